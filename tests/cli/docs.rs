//! Documentation that is made from data is current.

use crate::support::imgscan::Imgscan;

#[test]
fn rules() {
    let made = Imgscan::new().args(["rules", "docs"]).run().exits(0).stdout;
    assert!(made.starts_with("# Rules\n") && made.contains("\n| `github-pat` | "), "a section for each provider");
    // No whole text in the message: it is long.
    let current = made == include_str!("../../docs/rules.md");
    assert!(current, "docs/rules.md is not what the rules say; run `just docs`");
}

#[test]
fn rules_of_ones_own_stand_in_the_document() {
    let rule = "provider = \"acme\"\nname = \"Acme | Co\"\n[[rule]]\nid = \"acme-token\"\ntitle = \"Acme <token>\"\nseverity = \"high\"\nconfidence = \"high\"\npattern = 'acme_[a-z0-9]{32}'\nanchors = [\"acme_\"]\nunlocks = \"All_of_it\"\nsamples = [\"acme_{lalnum:32}\"]\n";
    let made = Imgscan::new().file("acme.toml", rule).args(["rules", "docs", "--rules", "acme.toml"]).run().exits(0).stdout;
    assert!(made.contains("\n## Acme \\| Co (`acme`)\n"), "a name is escaped");
    assert!(made.contains("\n| `acme-token` | Acme &lt;token> | high | form | All\\_of\\_it |  |\n"), "a cell is escaped");
}
