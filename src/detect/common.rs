//! Words that providers are named after and that texts are full of.

/// Found more than once in half a megabyte of public system trees, on their own or within other words (`ably` in `probably`).
/// They are not looked for by themselves: they count where a generic word (`api_key`) asks for a credential. Sorted.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "ably", "abstract", "access", "accesstoken", "account", "accu", "active", "admin", "agent", "alchemy", "alpha", "amazon",
    "analysis", "analytics", "apache", "apim", "apis", "application", "apps", "associate", "audio", "auth", "authorization",
    "authorize", "azure", "base", "batch", "bearer", "become", "been", "best", "better", "binary", "bind", "bing", "blob",
    "blue", "board", "book", "bootstrap", "boundary", "branch", "brand", "browser", "bucket", "budget", "builder", "bulk",
    "bypass", "call", "camp", "campaign", "capsule", "care", "center", "central", "channel", "channels", "check", "click",
    "client", "clienttoken", "close", "cloud", "code", "column", "commit", "community", "company", "compare", "compatible",
    "config", "connect", "constant", "consumer", "contact", "content", "conversion", "convert", "cookie", "country", "cove",
    "create", "cred", "credential", "credentials", "crypto", "currency", "customer", "data", "database", "dataset", "deep",
    "default", "dependency", "deploy", "detect", "developer", "device", "devto", "dify", "direct", "django", "document",
    "dynamodb", "easy", "eden", "edge", "eight", "elastic", "elements", "email", "embed", "enable", "encrypt", "encryption",
    "engine", "entra", "ether", "ever", "expo", "export", "face", "fast", "fetch", "file", "financial", "firebase", "flat",
    "flight", "float", "flow", "form", "frame", "framework", "front", "full", "function", "gain", "gateway", "gist", "github",
    "global", "gmail", "goog", "google", "graph", "grid", "hash", "hass", "have", "heap", "help", "here", "hive", "hmac",
    "home", "host", "html", "http", "https", "hybrid", "hyper", "identifier", "index", "info", "insert", "insights", "insta",
    "integration", "interface", "internal", "invoice", "iterable", "kafka", "kernel", "keyid", "keys", "kubernetes", "lambda",
    "language", "last", "launch", "layer", "ldap", "lead", "leaf", "learn", "less", "license", "line", "linear", "link",
    "lite", "live", "load", "local", "location", "logic", "login", "machine", "magic", "mail", "make", "management",
    "manifest", "maps", "mariadb", "market", "master", "mate", "matrix", "maven", "meaning", "media", "memory", "merchant",
    "message", "meta", "meter", "metric", "metrics", "microsoft", "mill", "mind", "mite", "model", "money", "mongo", "mysql",
    "need", "network", "news", "next", "nice", "node", "note", "nova", "oauth", "online", "open", "oracle", "organization",
    "overflow", "package", "page", "panda", "parallel", "parse", "parsers", "pass", "password", "personal", "phone", "pipe",
    "plain", "platform", "play", "plus", "poly", "port", "position", "post", "postgresql", "prep", "preview", "previous",
    "private", "prod", "product", "project", "projects", "protection", "provision", "public", "publish", "pure", "push",
    "quality", "radius", "rate", "rates", "reach", "react", "really", "recovery", "redirect", "redis", "reference", "refresh",
    "registry", "remove", "repair", "repl", "reply", "reporting", "request", "resource", "response", "rest", "retention",
    "rime", "rite", "role", "root", "route", "routing", "rows", "runner", "salt", "sandbox", "sasl", "satis", "scale", "scan",
    "score", "scribe", "search", "secret", "security", "seed", "seek", "segment", "select", "send", "server", "service",
    "services", "session", "setup", "shared", "shift", "shot", "sight", "sign", "signal", "signer", "signing", "simple",
    "site", "skey", "slash", "snap", "snaps", "source", "spaces", "split", "spot", "square", "stable", "stack", "standard",
    "station", "stats", "status", "storage", "store", "story", "stream", "subscription", "suite", "super", "system",
    "systems", "task", "team", "template", "test", "testing", "text", "things", "tick", "tier", "time", "times", "timezone",
    "together", "token", "tool", "tools", "total", "track", "tracker", "tracking", "transfer", "translate", "translator",
    "trieve", "true", "upload", "user", "value", "variables", "vault", "veri", "verification", "version", "vision", "walk",
    "watch", "webhook", "website", "weights", "wire", "wise", "work", "workflow", "write", "writer", "zero",
];

/// Whether texts are full of the word.
pub(super) fn is_common(word: &str) -> bool {
    COMMON.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_so_that_each_is_found() {
        assert!(COMMON.is_sorted_by(|a, b| a < b), "a word is out of place");
        assert!(is_common("ably") && !is_common("meraki"));
    }
}
