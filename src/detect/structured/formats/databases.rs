//! Clients of databases, and servers whose file holds their password.

use crate::detect::structured::{
    format::{Form, Format, Syntax, credential},
    lines,
    obscured::Tool,
};

/// MySQL's and MariaDB's option files. <https://dev.mysql.com/doc/refman/8.4/en/option-files.html>
pub(in crate::detect::structured) static MYSQL: Format = Format::new(
    "mysql-options",
    &[".my.cnf", "my.cnf", "my.ini", "debian.cnf", "*.my.cnf", "mysql/*.cnf", "mysqld.cnf", "client.cnf"],
    Syntax::Lines(lines::INI_EQUALS),
)
.credentials(&[
    credential("**/password", "mysql-option-password").beside(&[("user", "user"), ("host", "host")]),
    credential("**/master-password", "mysql-option-password").beside(&[("user", "master-user")]),
]);

/// <https://www.postgresql.org/docs/current/libpq-pgservice.html>
pub(in crate::detect::structured) static PG_SERVICE: Format =
    Format::new("pg-service", &["pg_service.conf", ".pg_service.conf"], Syntax::Lines(lines::INI_EQUALS)).credentials(&[credential(
        "{service}/password",
        "pg-service-password",
    )
    .beside(&[("host", "host"), ("user", "user"), ("database", "dbname")])]);

/// <https://redis.io/docs/latest/operate/oss_and_stack/management/config/>
pub(in crate::detect::structured) static REDIS: Format = Format::new(
    "redis-conf",
    &["redis.conf", "redis*.conf", "valkey.conf", "sentinel.conf", "keydb.conf", "*redis.conf"],
    Syntax::Lines(lines::SPACED),
)
.credentials(&[
    credential("requirepass", "redis-conf-password"),
    credential("masterauth", "redis-conf-password"),
    credential("tls-key-file-pass", "redis-conf-password"),
]);

/// Graphical clients: Robo 3T, DBeaver, DataGrip, NoSQLBooster, SQL Developer.
pub(in crate::detect::structured) static DATABASE_CLIENTS: Format = Format::new(
    "database-clients",
    &[
        "robomongo.json",
        "robo3t.json",
        "*data-sources.xml",
        ".dbeaver-data-sources.xml",
        "data-sources.json",
        "dataSources.xml",
        "connections.xml",
        "DbVisualizer/dbvis.xml",
        "heidisql.xml",
        "connections.json",
    ],
    Syntax::XmlOrJson,
)
.credentials(&[
    credential("**/credentials/userPassword", "database-client-password").beside(&[
        ("user", "userName"),
        ("database", "databaseName"),
        ("host", "serverHost"),
    ]),
    credential("**/ssh/userPassword", "database-client-password").beside(&[("user", "userName"), ("host", "host")]),
    credential("**/ssh/passphrase", "database-client-password").beside(&[("user", "userName"), ("host", "host")]),
    credential("**/connection/password", "database-client-password").form(Form::Obscured(Tool::DBeaver)).beside(&[
        ("host", "host"),
        ("server", "server"),
        ("user", "user"),
    ]),
    credential("**/configuration/password", "database-client-password").beside(&[("host", "host"), ("user", "user")]),
    credential("**/password", "database-client-password").beside(&[("host", "host"), ("user", "user")]),
]);

/// Firefox's saved passwords, which `key4.db` of the same profile opens.
pub(in crate::detect::structured) static FIREFOX: Format =
    Format::new("firefox-logins", &["logins.json", "logins-backup.json", "signons.json"], Syntax::Json).credentials(&[credential(
        "logins/encryptedPassword",
        "browser-saved-password",
    )
    .form(Form::Noted("opened by key4.db of the same profile unless a primary password is set"))
    .beside(&[("site", "hostname")])]);
