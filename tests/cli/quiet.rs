//! What stands in every distribution and library without being anybody's credential, each next to its counterpart that is one.

use imgscan::detect::samples::fill;

use crate::support::{
    image::{Changeset, Image},
    report::{findings, scan},
};

/// Path, and the template of the text.
const HARMLESS: &[(&str, &str)] = &[
    // Keys to learn and to test with.
    ("usr/share/doc/openvpn/examples/sample-keys/ca.key", "{pem:RSA PRIVATE KEY}\n"),
    ("usr/lib/python3/dist-packages/certbot/tests/testdata/key.pem", "{pem:PRIVATE KEY}\n"),
    ("srv/node_modules/ssh2/test/fixtures/id_rsa", "{pem:OPENSSH PRIVATE KEY}\n"),
    ("src/ssh/testdata/keys.go", "var key = []byte(`{pem:EC PRIVATE KEY}`)\n"),
    ("usr/share/doc/git/examples/.netrc", "machine imap.acme.io login bob password {alnum:14}\n"),
    ("usr/share/doc/wpasupplicant/examples/wpa_supplicant.conf", "network={\n\tssid=\"home\"\n\tpsk=\"{alnum:14}\"\n}\n"),
    (
        "usr/lib/python3/dist-packages/pyjwt-2.8.dist-info/METADATA",
        "    >>> jwt.decode(\"{b64urlof:{\"alg\":\"HS256\",\"typ\":\"JWT\"}}.{b64urlof:{\"some\":\"{alnum:12}\"}}.{b64url:43}\")\n",
    ),
    // Texts of programs in other languages.
    ("usr/share/roundcube/localization/ca_ES/labels.inc", "<?php\n$labels['password'] = 'Contrasenya';\n"),
    ("usr/share/app/locales/eo.json", "{\"password\": \"Pasvorto1\", \"secret\": \"Sekretoj2\"}\n"),
    // Expressions of languages.
    ("usr/bin/getmail", "#!/usr/bin/python3\nconf['password'] = netrc_auth[2]\npassword = retriever.conf['password']\n"),
    ("usr/share/nmap/scripts/netbus.nse", "local password = fields[4]\npassword = nmap.registry.passwords[key]\n"),
    ("usr/bin/cewl", "#!/usr/bin/ruby\nuri.password = @auth_password\n"),
    ("usr/lib/cron/john", "PASSWD=/etc/shadow\nALTEREDPASSWD=$PASSWD.altered.for.john\n"),
    ("usr/share/vim/syntax/rebol.vim", "syn match rebolURL \"ftp://\\(\\k\\+:\\k\\+@\\)\\=\\k\\+\\(\\.\\k\\+\\)*\"\n"),
    ("srv/yarn/cli.js", "var token = '%[a-f0-9]{2}';\n"),
    (
        "usr/include/openssl/tls1.h",
        "#define TLS_MD_MASTER_SECRET_CONST \"\\x6d\\x61\\x73\\x74\\x65\\x72\\x20\\x73\\x65\\x63\\x72\\x65\\x74\"\n",
    ),
    // Digests, whatever of.
    ("app/chart/deployment.yaml", "metadata:\n  annotations:\n    checksum/secret: {hex:64}\n    checksum/redis-password: {hex:64}\n"),
    ("app/chart/vault.yaml", "annotations:\n  vault.hashicorp.com/agent-inject: \"true\"\n  checksum/secret: {hex:64}\n"),
    ("app/digests.yaml", "secret_sha256: {hex:64}\npassword_sha256: {hex:64}\nSECRET_MD5: {hex:32}\nsecret_etag: {hex:32}\n"),
    // Public halves, references, algorithms.
    (
        "app/public.env",
        "NEXT_PUBLIC_SUPABASE_ANON_KEY={b64urlof:{\"alg\":\"HS256\",\"typ\":\"JWT\"}}.{b64urlof:{\"iss\":\"supabase\",\"ref\":\"{lalnum:20}\",\"role\":\"anon\",\"iat\":1700000000}}.{b64url:43}\nRECAPTCHA_SITE_KEY=6L{alnum:38}\n",
    ),
    ("app/grafana.ini", "[database]\npassword = $__env{GF_DB_PW9}\n"),
    ("app/hashing.env", "PASSWORD_HASHER=argon2id9\nPASSWORD_SCHEME=SSHA512\n"),
    (
        "root/.config/gcloud/application_default_credentials.json",
        "{\"client_id\": \"764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com\", \"client_secret\": \"d-{alnum:22}\"}\n",
    ),
    // `az acr login` writes an empty password beside the identity token.
    ("root/.docker/config.json", "{\"auths\": {\"x.azurecr.io\": {\"auth\": \"MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwOg==\"}}}\n"),
    // Lists of names, schemas, flags.
    ("usr/share/php/PEAR/Config.php", "<?php\n$kinds = array('string', 'mask', 'password', 'directory2', 'file');\n"),
    ("usr/share/wordpress/wp-login.php", "<?php\n$codes = array( 'empty_password', 'empty_email2', 'invalid_email', 'invalidcombo' );\n"),
    ("usr/lib/botocore/service-2.json", "{\"shapes\": {\"Login\": {\"members\": {\"Password\": {\"shape\": \"SensitiveString128\"}}}}}\n"),
    ("usr/lib/botocore/auth.json", "{\"metadata\": {\"auth\": [\"aws.auth#sigv4\"]}}\n"),
    ("etc/init.d/fetchmail", "#!/bin/sh\nadduser --system --shell /bin/sh --disabled-password fetchmail1 >/dev/null\n"),
    // Comments that show how it is done.
    ("srv/pulumi/user.d.ts", "/**\n *     password: \"Pass{digits:4}!\",\n *     secret: \"{alnum:24}\",\n */\n"),
    ("usr/share/wordpress/pluggable.php", "<?php\n/**\n *     define('AUTH_KEY', '{alnum:30}+{alnum:33}');\n */\n"),
    ("usr/share/wordpress/sample.php", "<?php\ndefine( 'AUTH_KEY', 'put your unique phrase here' );\n"),
    (
        "usr/lib/python3/dist-packages/twilio/credential.py",
        "    \"\"\"For example -----BEGIN RSA PRIVATE KEY----- MIIEpQIBAAKCAQEA{b64:60}\"\"\"\n",
    ),
    // Known to everybody, or chance.
    ("app/storage.go", "const StorageEmulatorAccountKey = \"Eby8vdM02xNOcqFl{b64:70}==\"\n"),
    ("app/query.wasm-base64.js", "const wasm = \"{b64:400}/EAAC{alnum:120}/{b64:400}\";\n"),
    ("app/clone.sh", "git clone https://ghuser:x-oauth-basic@git.acme.io/app.git\n"),
];

/// The same kinds where they are somebody's.
const CREDENTIALS: &[(&str, &str)] = &[
    ("app/keys/server.key", "{pem:RSA PRIVATE KEY}\n"),
    ("app/chart/secret.yaml", "password: {alnum:20}\nchecksum/secret: none\n"),
    (
        "app/service.env",
        "SUPABASE_SERVICE_ROLE_KEY={b64urlof:{\"alg\":\"HS256\",\"typ\":\"JWT\"}}.{b64urlof:{\"iss\":\"supabase\",\"ref\":\"{lalnum:20}\",\"role\":\"service_role\",\"iat\":1700000000}}.{b64url:43}\n",
    ),
    ("app/tests/fixtures/key.pem", "{pem:PRIVATE KEY}\n"),
    ("root/.ssh/id_rsa", "{pem:OPENSSH PRIVATE KEY}\n"),
    ("app/keys.go", "var key = []byte(`{pem:EC PRIVATE KEY}`)\n"),
    ("root/.netrc", "machine imap.acme.io login bob password {alnum:14}\n"),
    ("etc/wpa_supplicant.conf", "network={\n\tssid=\"home\"\n\tpsk=\"{alnum:14}\"\n}\n"),
    ("usr/share/doc/app/README", "export GITHUB_TOKEN=ghp_{alnum:30}{crc32-base62}\n"),
    ("app/locales/build.sh", "export GITHUB_TOKEN=ghp_{alnum:30}{crc32-base62}\n"),
    ("app/config.php", "<?php\n$config['password'] = '{alnum:16}';\ndefine('AUTH_KEY', '{alnum:30}+{alnum:33}');\n"),
    ("app/settings.py", "DATABASES = {\"default\": {\"PASSWORD\": \"{alnum:16}\"}}\n"),
    ("app/run.sh", "app --password {alnum:16}\n"),
    ("app/keys.c", "#define MASTER_SECRET \"\\x9f\\x03\\xe2\\x11\\xb4\\x55\\x91\\x7e{alnum:16}\"\n"),
    ("app/page.js", "const page = \"access=EAAC{alnum:120}\";\n"),
];

#[test]
fn distributions_and_libraries_are_quiet() {
    let mut files = Changeset::new();
    for ((path, template), seed) in HARMLESS.iter().chain(CREDENTIALS).zip(900..) {
        files = files.file(path, fill(template, seed));
    }
    let image = Image::new().layer("COPY . /", files);
    let report = scan(&image, "medium").exits(1).json();
    let at = |path: &str| findings(&report).iter().filter(|finding| finding["location"]["path"] == path).collect::<Vec<_>>();
    let mut problems = Vec::new();
    for (path, _) in HARMLESS {
        problems.extend(at(path).iter().map(|finding| format!("{path}: {} {}", finding["rule"], finding["confidence"])));
    }
    problems.extend(CREDENTIALS.iter().filter(|(path, _)| at(path).is_empty()).map(|(path, _)| format!("{path}: nothing is found")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
