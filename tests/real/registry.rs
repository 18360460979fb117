//! Debian's docker-registry with basic auth and TLS.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    report::Run,
    tools::{Server, free_port, run, wait_for},
};

const USER: &str = "puller";

/// A registry that runs until it is dropped.
pub(crate) struct Registry {
    port: u16,
    folder: PathBuf,
    password: String,
    _server: Server,
}

impl Registry {
    pub(crate) fn start(scratch: &Path) -> Self {
        let folder = scratch.join("registry");
        let certificates = folder.join("certs");
        std::fs::create_dir_all(&certificates).expect("a folder");
        let password = imgscan::detect::samples::fill("{alnum:20}", 99);
        let htpasswd = run("htpasswd", &["-Bbn", USER, &password]);
        std::fs::write(folder.join("htpasswd"), htpasswd).expect("a file");

        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
        // containers/image takes every *.crt of the folder as an authority.
        std::fs::write(certificates.join("ca.crt"), certified.cert.pem()).expect("a file");
        std::fs::write(folder.join("key.pem"), certified.signing_key.serialize_pem()).expect("a file");

        let port = free_port();
        let at = folder.display();
        let mut config = std::fs::File::create(folder.join("config.yml")).expect("a file");
        write!(
            config,
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {at}/data}}}}\n\
             auth: {{htpasswd: {{realm: test, path: {at}/htpasswd}}}}\n\
             http: {{addr: \"127.0.0.1:{port}\", tls: {{certificate: {at}/certs/ca.crt, key: {at}/key.pem}}}}\n"
        )
        .expect("a file");
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(folder.join("config.yml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry starts");
        let server = Server(server);
        wait_for("docker-registry", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { port, folder, password, _server: server }
    }

    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    pub(crate) fn ca(&self) -> String {
        self.folder.join("certs/ca.crt").display().to_string()
    }

    pub(crate) fn certificates(&self) -> String {
        self.folder.join("certs").display().to_string()
    }

    pub(crate) fn credentials(&self) -> String {
        format!("{USER}:{}", self.password)
    }

    /// Pushes with skopeo.
    pub(crate) fn push(&self, from: &str, name: &str, more: &[&str]) {
        let (certificates, credentials) = (self.certificates(), self.credentials());
        let to = format!("docker://{}/{name}", self.host());
        let mut arguments = vec!["copy", "--quiet", "--insecure-policy", "--dest-cert-dir", &certificates, "--dest-creds", &credentials];
        arguments.extend(more);
        arguments.extend([from, &to]);
        run("skopeo", &arguments);
    }

    /// A run that is logged in, as `docker login` would have left it.
    pub(crate) fn run(&self, home: &Path) -> Run {
        let auth = data_encoding::BASE64.encode(self.credentials().as_bytes());
        let config = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{auth}\"}}}}}}", self.host());
        let docker = home.join("docker-config");
        std::fs::create_dir_all(&docker).expect("a folder");
        std::fs::write(docker.join("config.json"), config).expect("a file");
        Run::new(home).env("DOCKER_CONFIG", &docker.display().to_string()).arg("--ca-cert").arg(&self.ca())
    }

    pub(crate) fn scan(&self, home: &Path, reference: &str) -> Run {
        self.run(home).scan(reference)
    }
}
