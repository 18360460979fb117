//! The folders of clouds' command lines.

use crate::detect::structured::{
    format::{Format, Syntax, credential},
    lines,
};

/// AWS profiles. <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html>
pub(in crate::detect::structured) static AWS: Format = Format {
    id: "aws-credentials",
    files: &[".aws/credentials", ".aws/config", "aws/credentials", "aws_credentials", ".aws_credentials", "credentials.aws"],
    sniff: &[],
    syntax: Syntax::JsonOrLines(lines::INI_EQUALS),
    credentials: &[
        credential("**/aws_secret_access_key", "aws-secret-access-key").beside(&[("access key", "aws_access_key_id")]),
        credential("**/aws_session_token", "aws-session-token").beside(&[("access key", "aws_access_key_id")]),
    ],
};
