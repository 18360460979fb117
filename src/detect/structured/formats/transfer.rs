//! File transfer and remote access: what editors and clients keep of the servers that they deploy to.

use crate::detect::structured::{
    format::{Form, Format, Syntax, credential},
    lines,
    obscured::Tool,
};

/// FileZilla. <https://wiki.filezilla-project.org/Locations_of_Configuration_Files>
pub(in crate::detect::structured) static FILEZILLA: Format =
    Format::new("filezilla", &["sitemanager.xml", "recentservers.xml", "filezilla.xml", "FileZilla*"], Syntax::Xml)
        .sniff(&["<"])
        .credentials(&[
            credential("**/Server/Pass", "filezilla-site-password").form(Form::Marked).beside(&[("host", "Host"), ("user", "User")]),
            credential("**/Settings/Setting", "filezilla-site-password").when("name", &["Proxy password", "FTP Proxy password"]),
        ]);

/// WinSCP. <https://winscp.net/eng/docs/ui_pref_storage>
pub(in crate::detect::structured) static WINSCP: Format =
    Format::new("winscp", &["WinSCP.ini", "winscp*.ini"], Syntax::Lines(lines::INI_EQUALS)).credentials(&[
        credential("{session}/Password", "winscp-password")
            .form(Form::Obscured(Tool::WinScp))
            .beside(&[("host", "HostName"), ("user", "UserName")]),
        credential("{session}/ProxyPasswordEnc", "winscp-password").form(Form::Obscured(Tool::WinScp)).beside(&[("host", "HostName")]),
    ]);

/// Deployment settings of Sublime, VS Code, Atom and their kin.
pub(in crate::detect::structured) static EDITORS: Format = Format::new(
    "editor-deployment",
    &[
        "sftp-config.json",
        "sftp.json",
        ".ftpconfig",
        ".sftpconfig",
        ".remote-sync.json",
        "deployment-config.json",
        "ftp-sync.json",
        ".ftp-sync.json",
        "ftpsync.settings",
        ".vscode/ftp*",
        "remote-sync.json",
        "sftp-config-alt*.json",
        ".ftppass",
        "ftp-simple.json",
    ],
    Syntax::Json,
)
.credentials(&[
    credential("**/password", "editor-deployment-password").beside(&[("host", "host"), ("user", "user"), ("user", "username")]),
    credential("**/pass", "editor-deployment-password").beside(&[("host", "host"), ("user", "user"), ("user", "username")]),
    credential("**/passphrase", "editor-deployment-password").beside(&[("host", "host"), ("user", "user"), ("user", "username")]),
]);

/// JetBrains' deployment servers and data sources.
pub(in crate::detect::structured) static JETBRAINS: Format =
    Format::new("jetbrains", &["WebServers.xml", ".idea/webServers.xml", "sshConfigs.xml", ".idea/deployment.xml"], Syntax::Xml)
        .credentials(&[
            credential("**/fileTransfer/password", "editor-deployment-password")
                .form(Form::Obscured(Tool::JetBrains))
                .beside(&[("host", "host"), ("user", "username")]),
            credential("**/fileTransfer/passphrase", "editor-deployment-password")
                .form(Form::Obscured(Tool::JetBrains))
                .beside(&[("host", "host")]),
        ]);

/// rclone. <https://rclone.org/commands/rclone_obscure/> says how its passwords are obscured, and that anyone can undo it.
pub(in crate::detect::structured) static RCLONE: Format =
    Format::new("rclone", &["rclone.conf", ".rclone.conf"], Syntax::Lines(lines::INI_EQUALS)).credentials(&[
        credential("{remote}/*pass", "rclone-password").form(Form::Obscured(Tool::Rclone)).beside(&[
            ("type", "type"),
            ("host", "host"),
            ("user", "user"),
        ]),
        credential("{remote}/password", "rclone-password").form(Form::Obscured(Tool::Rclone)).beside(&[("type", "type")]),
        credential("{remote}/password2", "rclone-password").form(Form::Obscured(Tool::Rclone)).beside(&[("type", "type")]),
        credential("{remote}/token", "rclone-token").form(Form::Inner("\"refresh_token\"")).beside(&[("type", "type")]),
        credential("{remote}/token", "rclone-token").form(Form::Inner("\"access_token\"")).beside(&[("type", "type")]),
        credential("{remote}/secret_access_key", "rclone-token").beside(&[("type", "type"), ("access key", "access_key_id")]),
        credential("{remote}/client_secret", "rclone-token").beside(&[("type", "type")]),
        credential("{remote}/key", "rclone-token").beside(&[("type", "type"), ("account", "account")]),
        credential("{remote}/bearer_token", "rclone-token").beside(&[("type", "type")]),
        credential("{remote}/sas_url", "rclone-token").beside(&[("type", "type")]),
    ]);

/// git's configuration. <https://git-scm.com/docs/git-config>
pub(in crate::detect::structured) static GIT_CONFIG: Format = Format::new(
    "git-config",
    &[".git/config", ".gitconfig", "gitconfig", ".git/**/config", "git/config", ".gitmodules"],
    Syntax::Lines(lines::INI_EQUALS),
)
.credentials(&[
    credential("remote/{remote}/url", "git-remote-password").form(Form::Url),
    credential("remote/{remote}/pushurl", "git-remote-password").form(Form::Url),
    credential("submodule/{submodule}/url", "git-remote-password").form(Form::Url),
    credential("http/extraheader", "generic-authorization").form(Form::Header),
    credential("http/{url}/extraheader", "generic-authorization").form(Form::Header),
    credential("sendemail/smtppass", "mail-password").beside(&[("host", "smtpserver"), ("user", "smtpuser")]),
]);
