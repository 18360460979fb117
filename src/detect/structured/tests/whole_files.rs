//! Every specific format on a file of its own.

use super::{check, check_fact, fields};

#[test]
fn colon_lines() {
    check(
        ".pgpass",
        "# c\nh:5432:db:joe:hun\\:ter\n*:*:*:ann:pw9\nbroken\n",
        &[("pgpass-password", "hun:ter"), ("pgpass-password", "pw9")],
    );
    check_fact(".pgpass", "h.example.com:5432:db:joe:hunter2x\n", "host h.example.com");
    check(
        "var/www/.htpasswd",
        "joe:$apr1$abc$def\nann:{SHA}xyz\nbob:\n",
        &[("htpasswd-hash", "$apr1$abc$def"), ("htpasswd-hash", "{SHA}xyz")],
    );
    check_fact(".htpasswd", "joe:$apr1$abc$def\n", "MD5 crypt hash, weak");
    check(
        "etc/shadow",
        "root:$6$ab$cdef:19000:0:99999:7:::\ndaemon:*:19000::::::\nx:!:1::::::\ny::1:::::\nz:!$6$a$b:1:::::\n",
        &[("shadow-hash", "$6$ab$cdef")],
    );
    check("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", &[]);
    check(
        ".passwd-s3fs",
        "KEY:secretsecret\nbucket:KEY:other\n",
        &[("aws-secret-access-key", "secretsecret"), ("aws-secret-access-key", "other")],
    );
    check(".git-credentials", "https://joe:hunter2x@github.com\nhttps://h/\n", &[("git-credentials-password", "hunter2x")]);
    check_fact(".git-credentials", "https://joe:hunter2x@github.com\n", "host github.com");
    check("proftpdpasswd", "joe:$1$abc$def:500:500::/srv:/bin/false\n", &[("service-user-hash", "$1$abc$def")]);
}

#[test]
fn users_of_poolers_and_tunnels() {
    check(
        "etc/pgbouncer/userlist.txt",
        "; note\n\"ops\" \"hun\"\"ter\"\n  \"app\"\t\"md5abc\" x\nbroken \"a\"\n\"b\" \"c\n",
        &[("pgbouncer-user-password", "hun\"ter"), ("pgbouncer-user-password", "md5abc")],
    );
    check_fact("userlist.txt", "\"ops\" \"hunter2x\"\n", "user ops");
    check("etc/openvpn/client/login", "ops\nhunter2x\n", &[("openvpn-user-password", "hunter2x")]);
    check_fact("root/vpn-auth.txt", "ops\r\nhunter2x\r\n", "user ops");
    check("etc/openvpn/client.conf", "client\ndev tun\n", &[]);
    check("etc/openvpn/ipp.txt", "ops,10.8.0.4\nann,10.8.0.5\njoe,10.8.0.6\n", &[]);
}

#[test]
fn users_of_services() {
    check(
        "etc/ppp/chap-secrets",
        "# c\nbob * \"hunter2x\" *\nann isp pw9a 10.0.0.1\n",
        &[("network-secret", "hunter2x"), ("network-secret", "pw9a")],
    );
    check("etc/redis/users.acl", "user default on >hunter2x ~* +@all\nuser ro on nopass ~*\n", &[("redis-password", "hunter2x")]);
    check_fact("users.acl", "user app on >hunter2x\n", "user app");
    check(
        "etc/snmp/snmpd.conf",
        "rocommunity public\ncreateUser bob SHA \"hunter2x\" AES\ncreateUser -e 0x1 ann MD5 pw9a\n",
        &[("snmp-user-password", "hunter2x"), ("snmp-user-password", "pw9a")],
    );
    check_fact("snmpd.conf", "createUser bob SHA \"hunter2x\" AES\n", "user bob");
    check(
        "root/.curlrc",
        "silent\nuser = \"bob:hunter2x\"\n-u bob:pw9a\nproxy-user bob:pw8a\nurl = \"https://h:80/\"\n",
        &[("command-line-password", "hunter2x"), ("command-line-password", "pw9a"), ("command-line-password", "pw8a")],
    );
    check("etc/exim4/passwd.client", "smtp.acme.io:bob:hunter2x\n", &[("mail-password", "hunter2x")]);
    check("etc/sssd/sssd.conf", "[domain/x]\nldap_default_authtok = hunter2x\n", &[("ldap-bindpw", "hunter2x")]);
    check("var/lib/rabbitmq/.erlang.cookie", "ABCDEFGHIJKLMNOPQRST", &[("erlang-cookie", "ABCDEFGHIJKLMNOPQRST")]);
    check("run/s6/container_environment/DB_PASSWORD", "hunter2x\n", &[("=DB_PASSWORD", "hunter2x")]);
    check("root/.local/share/opencode/auth.json", "{\"acme\":{\"type\":\"oauth\",\"refresh\":\"r9\"}}", &[("ai-tool-session", "r9")]);
}

#[test]
fn records_of_several_lines() {
    check(
        "root/.subversion/auth/svn.simple/0af",
        "K 8\npasstype\nV 6\nsimple\nK 8\npassword\nV 8\nhunter2x\nK 8\nusername\nV 3\nbob\nEND\n",
        &[("svn-password", "hunter2x")],
    );
    check(
        "var/cache/debconf/passwords.dat",
        "Name: mysql-server/root_password\nTemplate: x\nValue: hunter2x\n\nName: x/note\nValue: text\n\nName: y/password\nValue: \n",
        &[("debconf-password", "hunter2x")],
    );
}

#[test]
fn histories_of_libedit() {
    let found = fields("root/.mysql_history", b"_HiStOrY_V2_\nIDENTIFIED\\040BY\\040'hunter2x';\nshow\n");
    assert_eq!(found.iter().map(|(_, value, _)| value.as_str()).collect::<Vec<_>>(), ["IDENTIFIED BY 'hunter2x';"]);
}

#[test]
fn users_of_traefik() {
    let yaml = "http:\n  middlewares:\n    a:\n      basicAuth:\n        users:\n          - \"ops:$apr1$abc$def\"\n";
    check("etc/traefik/dynamic/a.yml", yaml, &[("htpasswd-hash", "$apr1$abc$def")]);
    check("traefik.toml", "[http.middlewares.a.digestAuth]\n  users = [\"ops:r:0a1b\"]\n", &[("htpasswd-hash", "0a1b")]);
}

#[test]
fn whole_files() {
    check("root/.vault-token", "abcdefgh\n", &[("vault-token-file", "abcdefgh")]);
    check("root/.vault-token", "two words\n", &[]);
    let key = "0123456789abcdef".repeat(2);
    check("config/master.key", &key, &[("rails-master-key", &key)]);
    check("config/master.key", "-----BEGIN", &[]);
    check(
        "var/run/secrets/kubernetes.io/serviceaccount/token",
        "aaaa.bbbb.cccc",
        &[("kubernetes-service-account-token-file", "aaaa.bbbb.cccc")],
    );
    check("run/secrets/db_password", "hunter2x\n", &[("mounted-secret-file", "hunter2x")]);
    check(".vault_pass", "#!/bin/sh\n", &[]);
    check("home/u/.local/share/keyrings/login.keyring", &"x".repeat(40), &[("keyring-file", &"x".repeat(40))]);
    check("home/u/.local/share/keyrings/user.keystore", "", &[]);
    check("root/.awsvault/keys/x", "eyJ.a.b.c.d", &[("aws-vault-key-file", "eyJ.a.b.c.d")]);
    check("etc/krb5.keytab", &format!("\u{5}\u{2}{}", "k".repeat(30)), &[("kerberos-keytab", &format!("\u{5}\u{2}{}", "k".repeat(30)))]);
}

#[test]
fn package_managers() {
    check(".pypirc", "[pypi]\nusername = __token__\npassword = hunter2x\n", &[("pypirc-password", "hunter2x")]);
    check("etc/pip.conf", "[global]\nindex-url = https://joe:hunter2x@pypi.example.com/simple\n", &[("python-index-password", "hunter2x")]);
    check("etc/pip.conf", "[global]\nindex-url = https://pypi.org/simple\n", &[("=global.index-url", "https://pypi.org/simple")]);
    check(".gem/credentials", "---\n:rubygems_api_key: hunter2x\n", &[("gem-credentials-key", "hunter2x")]);
    check(
        ".bundle/config",
        "---\nBUNDLE_PATH: \"vendor\"\nBUNDLE_GEMS__EXAMPLE__COM: \"joe:hunter2x\"\nBUNDLE_MIRROR: \"https://x\"\n",
        &[("bundle-config-password", "hunter2x")],
    );
    check(
        ".cargo/credentials.toml",
        "[registry]\ntoken = \"hunter2x\"\n[registries.mine]\ntoken = \"other\"\n",
        &[("cargo-registry-token", "hunter2x"), ("cargo-registry-token", "other")],
    );
    check(
        "NuGet.Config",
        "<configuration><packageSourceCredentials><mine><add key=\"Username\" value=\"joe\"/><add key=\"ClearTextPassword\" value=\"hunter2x\"/></mine></packageSourceCredentials></configuration>",
        &[("nuget-config-password", "hunter2x")],
    );
    check(
        ".m2/settings.xml",
        "<settings><servers><server><id>mine</id><username>joe</username><password>hunter2x</password></server></servers></settings>",
        &[("maven-settings-password", "hunter2x")],
    );
    check_fact(
        ".m2/settings.xml",
        "<settings><servers><server><id>mine</id><password>hunter2x</password></server></servers></settings>",
        "server mine",
    );
    check(
        "auth.json",
        r#"{"http-basic": {"h": {"username": "u", "password": "hunter2x"}}, "github-oauth": {"github.com": "tok"}}"#,
        &[("composer-auth-password", "hunter2x"), ("composer-auth-password", "tok")],
    );
    check(".yarnrc.yml", "npmRegistries:\n  \"https://r\":\n    npmAuthToken: hunter2x\n", &[("npm-auth-token", "hunter2x")]);
    check(
        "helm/repositories.yaml",
        "repositories:\n- name: a\n  username: u\n  password: hunter2x\n",
        &[("helm-repository-password", "hunter2x")],
    );
}

#[test]
fn clouds() {
    check(
        ".aws/cli/cache/x.json",
        r#"{"Credentials": {"AccessKeyId": "A", "SecretAccessKey": "abc", "SessionToken": "def"}}"#,
        &[("aws-secret-access-key", "abc"), ("aws-session-token", "def")],
    );
    check(".s3cfg", "[default]\naccess_key = A\nsecret_key = abc\n", &[("aws-secret-access-key", "abc")]);
    check(
        "application_default_credentials.json",
        r#"{"client_id": "c", "client_secret": "public", "refresh_token": "abc"}"#,
        &[("google-oauth-refresh-token", "abc")],
    );
    check(
        "any.json",
        r#"{"type": "service_account", "private_key": "-----BEGIN\nx", "client_email": "a@b"}"#,
        &[("google-service-account-key", "-----BEGIN\nx")],
    );
    check(
        ".azure/msal_token_cache.json",
        r#"{"RefreshToken": {"x": {"secret": "abc", "client_id": "c"}}, "IdToken": {"x": {"secret": "no"}}}"#,
        &[("azure-refresh-token", "abc")],
    );
    check(
        "terraform.tfstate",
        r#"{"outputs": {"pw": {"value": "abc", "sensitive": true}, "ip": {"value": "1.2.3.4"}}, "resources": [{"instances": [{"attributes": {"master_password": "def", "id": "x"}}]}]}"#,
        &[("terraform-state-secret", "abc"), ("terraform-state-secret", "def"), ("=outputs.ip.value", "1.2.3.4")],
    );
    check(
        "a.tfstate",
        r#"{"outputs": {"db": {"value": {"host": "db-1.acme.example", "a": {"b": "Zk83hGqpLw0v"}, "l": ["x7Kq9!mPz2Wd"]}, "sensitive": true}, "l": {"value": ["eu-west-1", "Qm4Tz8#cVb1N"], "sensitive": true}}, "resources": [{"type": "random_password", "instances": [{"attributes": {"result": "abc"}}]}, {"type": "random_pet", "instances": [{"attributes": {"result": "calm-owl"}}]}]}"#,
        &[
            ("=outputs.db.value.host", "db-1.acme.example"),
            ("terraform-state-secret", "Zk83hGqpLw0v"),
            ("terraform-state-secret", "x7Kq9!mPz2Wd"),
            ("terraform-state-secret", "Qm4Tz8#cVb1N"),
            ("terraform-state-secret", "abc"),
            ("=resources.instances.attributes.result", "calm-owl"),
        ],
    );
    check(
        "credentials.tfrc.json",
        r#"{"credentials": {"app.terraform.io": {"token": "abc"}}}"#,
        &[("hashicorp-terraform-cloud-token", "abc")],
    );
    check(
        "init.log",
        "Unseal Key 1: abc\nUnseal Key 2: def\n\nInitial Root Token: ghi\n",
        &[("hashicorp-vault-unseal-key", "abc"), ("hashicorp-vault-unseal-key", "def"), ("vault-root-token", "ghi")],
    );
    check(
        "vault-init.json",
        r#"{"unseal_keys_b64": ["abc"], "root_token": "ghi"}"#,
        &[("hashicorp-vault-unseal-key", "abc"), ("vault-root-token", "ghi")],
    );
    check(".config/gh/hosts.yml", "github.com:\n  user: joe\n  oauth_token: abc\n", &[("github-cli-token", "abc")]);
    check(".config/hub", "github.com:\n- user: joe\n  oauth_token: abc\n", &[("github-cli-token", "abc")]);
    check(".config/doctl/config.yaml", "access-token: abc\n", &[("service-cli-token", "abc")]);
    check(".databrickscfg", "[DEFAULT]\nhost = https://h\ntoken = abc\n", &[("databricks-token", "abc")]);
    check(".snowsql/config", "[connections.example]\naccountname = a\npassword = abc\n", &[("snowflake-password", "abc")]);
}

#[test]
fn databases_and_transfer() {
    check(".my.cnf", "[client]\nuser=root\npassword=\"hunter2x\"\n", &[("mysql-option-password", "hunter2x")]);
    check("pg_service.conf", "[svc]\nhost=h\npassword=hunter2x\n", &[("pg-service-password", "hunter2x")]);
    check("redis.conf", "# requirepass no\nrequirepass hunter2x\n", &[("redis-conf-password", "hunter2x")]);
    check(
        "robomongo.json",
        r#"{"connections": [{"credentials": [{"userName": "u", "userPassword": "hunter2x"}]}]}"#,
        &[("database-client-password", "hunter2x")],
    );
    check("logins.json", r#"{"logins": [{"hostname": "https://h", "encryptedPassword": "MDoE"}]}"#, &[("browser-saved-password", "MDoE")]);
    check(
        "filezilla/sitemanager.xml",
        "<FileZilla3><Servers><Server><Host>h</Host><User>u</User><Pass encoding=\"base64\">aHVudGVyMng=</Pass></Server><Server><Pass>plain9</Pass></Server><Server><Pass encoding=\"crypt\" pubkey=\"x\">abc</Pass></Server></Servers></FileZilla3>",
        &[("filezilla-site-password", "hunter2x"), ("filezilla-site-password", "plain9")],
    );
    check(
        "WinSCP.ini",
        "[Sessions\\joe@h]\nHostName=h\nUserName=joe\nPassword=A35C4356079A1F08\n",
        &[("winscp-password", "A35C4356079A1F08")],
    );
    check(
        "sftp-config.json",
        "{\n// c\n\"host\": \"h\", \"user\": \"joe\", \"password\": \"hunter2x\",\n}",
        &[("editor-deployment-password", "hunter2x")],
    );
    check(
        ".idea/WebServers.xml",
        "<project><component><option><webServer><fileTransfer host=\"h\" password=\"dfd9dfcd\"/></webServer></option></component></project>",
        &[("editor-deployment-password", "sg")],
    );
    check(
        "rclone.conf",
        "[r]\ntype = drive\ntoken = {\"access_token\":\"abc\",\"refresh_token\":\"def\"}\n[s]\ntype = sftp\npass = Zm9vYmFy\n",
        &[("rclone-token", "def"), ("rclone-password", "Zm9vYmFy")],
    );
    check(
        ".git/config",
        "[remote \"origin\"]\n\turl = https://joe:hunter2x@h/r.git\n[http \"https://h/\"]\n\textraheader = AUTHORIZATION: basic am9lOmh1bnRlcjJ4\n",
        &[("git-remote-password", "hunter2x"), ("generic-authorization", "hunter2x")],
    );
}

#[test]
fn web_and_systems() {
    check("secrets.yml", "production:\n  secret_key_base: 0123456789abcdef0123\n", &[("rails-secret-key-base", "0123456789abcdef0123")]);
    check(
        "credentials.xml",
        "<?xml?><x><id>a</id><username>u</username><password>{AQAA=}</password></x>",
        &[("jenkins-credential", "{AQAA=}")],
    );
    check(
        "tomcat-users.xml",
        "<tomcat-users><user username=\"u\" password=\"hunter2x\" roles=\"manager-gui\"/></tomcat-users>",
        &[("tomcat-user-password", "hunter2x")],
    );
    check(
        "unattend.xml",
        "<unattend><settings><component><AutoLogon><Password><Value>hunter2x</Value><PlainText>true</PlainText></Password></AutoLogon></component></settings></unattend>",
        &[("unattend-password", "hunter2x")],
    );
    check(
        "user-data",
        "#cloud-config\nchpasswd:\n  list: |\n    root:hunter2x\n    joe:other9\n",
        &[("cloud-init-password", "hunter2x"), ("cloud-init-password", "other9")],
    );
    check(".msmtprc", "account a\nhost h\nuser u\npassword hunter2x\n", &[("mail-password", "hunter2x")]);
    check(".esmtprc", "hostname=h\nusername=u\npassword=hunter2x\n", &[("mail-password", "hunter2x")]);
    check(".muttrc", "set imap_pass = \"hunter2x\"\n", &[("mail-password", "hunter2x")]);
    check("etc/postfix/sasl_passwd", "[h]:587 joe:hunter2x\n", &[("mail-password", "hunter2x")]);
    check("wpa_supplicant.conf", "network={\n ssid=\"n\"\n psk=\"hunter2x\"\n}\n", &[("network-secret", "hunter2x")]);
    check(
        "wp-config.php",
        "<?php // it's\ndefine( 'DB_PASSWORD', 'hunter2x' );\ndefine('AUTH_KEY', \"abc\");\ndefine('DB_USER','u');\n$c['key'] = 'v9';\n",
        &[("wordpress-db-password", "hunter2x"), ("wordpress-salt", "abc"), ("=DB_USER", "u"), ("=key", "v9")],
    );
    check(
        "app/settings.py",
        "SECRET_KEY = 'abcdefghijklmnopqrst'\nDATABASES = {'default': {'PASSWORD': 'hunter2x'}}\n",
        &[("django-secret-key", "abcdefghijklmnopqrst"), ("=PASSWORD", "hunter2x")],
    );
}

#[test]
fn manifests() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: aHVudGVyMng=\n  username: am9l\nstringData:\n  token: abc-def\n---\napiVersion: v1\nkind: ConfigMap\ndata:\n  app.env: |\n    A=b9\n    C=d9\n---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - env:\n    - name: P\n      value: hunter9\n";
    check(
        "m.yaml",
        text,
        &[
            ("kubernetes-secret-value", "hunter2x"),
            ("=data.username", "joe"),
            ("kubernetes-secret-value", "abc-def"),
            ("=A", "b9"),
            ("=C", "d9"),
            ("=spec.containers.env.P", "hunter9"),
        ],
    );
    check_fact("m.yaml", text, "Secret db");
    check("s.yaml", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  encryptedData:\n    password: AgBy\n", &[]);
}

#[test]
fn dockerfiles_scripts_notebooks() {
    check(
        "Dockerfile",
        "FROM x\nENV A=b9 \\\n  C=\"d 9\"\nENV E f g\nARG T=abc\nRUN export X=y9 && \\\n  # c\n  curl -u joe:hunter2x h\nCMD [\"x\", \"--token\", \"def\"]\n",
        &[("=A", "b9"), ("=C", "d 9"), ("=E", "f g"), ("=T", "abc"), ("=X", "y9"), ("generic-basic-auth", "hunter2x"), ("=token", "def")],
    );
    check(".bash_history", "cd x\nmysql -uroot -phunter2x\n", &[("command-line-password", "hunter2x")]);
    check(".zsh_history", ": 1700000000:0;curl -u joe:hunter2x h\n", &[("generic-basic-auth", "hunter2x")]);
    check(
        ".local/share/fish/fish_history",
        "- cmd: set -x TOKEN abc9\n  when: 1\n- cmd: sshpass -p hunter2x ssh h\n",
        &[("=TOKEN", "abc9"), ("command-line-password", "hunter2x")],
    );
    check("inventory.ini", "[web]\nh1 ansible_user=u ansible_password=hunter2x\n", &[("=ansible_password", "hunter2x")]);
    let found = fields(
        "a.ipynb",
        br#"{"cells": [{"source": ["key = \"abc9\"\n"], "outputs": [{"text": ["out9"], "data": {"image/png": "iVBO"}}]}]}"#,
    );
    assert!(found.iter().any(|(what, value, evidence)| what == "=key" && value == "abc9" && evidence == &["in a notebook cell"]));
    assert!(found.iter().any(|(_, value, evidence)| value == "out9" && evidence == &["in a notebook output"]));
    assert!(!found.iter().any(|(_, value, _)| value == "iVBO"));
}

#[test]
fn keys_and_voice() {
    let key = "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: joe@h\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\nBBBB\nPrivate-MAC: 00\n";
    check("x.ppk", key, &[("putty-private-key", "Private-Lines: 1\nBBBB")]);
    check_fact("x.ppk", key, "no pass phrase");
    check("ventrilo_srv.ini", "[Server]\nAdminPassword=hunter2x\n", &[("voice-server-password", "hunter2x")]);
}

#[test]
fn copies_are_read_like_the_original() {
    check("wp-config.php~", "define('DB_PASSWORD', 'hunter2x');", &[("wordpress-db-password", "hunter2x")]);
    check(".netrc.bak", "machine h login u password hunter2x", &[("netrc-password", "hunter2x")]);
}

#[test]
fn transcripts() {
    let chat = "# aider chat started at 2026-01-01\n\n#### set it up\n\n```bash\nexport DB_PASSWORD=hunter2x\n```\n";
    let found = fields("app/.aider.chat.history.md", chat.as_bytes());
    assert!(found.iter().any(|(name, value, _)| name == "=DB_PASSWORD" && value == "hunter2x"), "read like a script");
    assert!(!found.iter().any(|(_, value, _)| value == chat), "a conversation is no value of its own");
}
