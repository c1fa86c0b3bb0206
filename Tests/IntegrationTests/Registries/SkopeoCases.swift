// SPDX-License-Identifier: Apache-2.0

/// A configuration, a reference, and the expected result. Names in braces stand for servers of the test: {TLS} requires
/// kit:s3cret and has a private authority, {PLAIN} has neither, {TOKEN} gives tokens to kit:s3cret, {REFRESH} for the
/// refresh token r3fresh, {GONE} is a closed port. {DIGEST} is the kit's. 0.0.0.0 is not a loopback name.
struct SkopeoCase: Sendable {
    let name: String
    var reference = "{TLS}/team/kit:v1"
    /// An auth file; nil for none.
    var auth: String? = right("{TLS}")
    var registries: String?
    /// Files in certs.d for {TLS}, with the content of {CA} or {OTHERCA}.
    var certificates = ["ca.crt": "{CA}"]
    /// Whether `--tls-verify=false` is given.
    var isUnverified = false
    let skopeo: Bool
    let kitfs: Int32

    static func right(_ key: String) -> String { #"{"auths":{"\#(key)":{"auth":"a2l0OnMzY3JldA=="}}}"# }
    static func wrong(_ key: String) -> String { #"{"auths":{"\#(key)":{"auth":"a2l0Ondyb25n"}}}"# }
    static func both(_ wrong: String, _ right: String) -> String {
        #"{"auths":{"\#(wrong)":{"auth":"a2l0Ondyb25n"},"\#(right)":{"auth":"a2l0OnMzY3JldA=="}}}"#
    }
    static func insecure(_ prefix: String) -> String { "[[registry]]\nlocation = \"\(prefix)\"\ninsecure = true\n" }
    static func mirrored(_ prefix: String, _ more: String = "", by mirror: String) -> String {
        "[[registry]]\n\(prefix.hasPrefix("*") ? "prefix" : "location") = \"\(prefix)\"\n\(more)\n[[registry.mirror]]\nlocation = \"\(mirror)\"\ninsecure = true\n"
    }
    static let zeros = String(repeating: "0", count: 64)

    static let passwords: [SkopeoCase] = [
        .init(name: "password and authority", skopeo: true, kitfs: 0),
        .init(name: "by digest", reference: "{TLS}/team/kit@{DIGEST}", skopeo: true, kitfs: 0),
        .init(name: "no such tag", reference: "{TLS}/team/kit:v9", skopeo: false, kitfs: 3),
        .init(name: "no such repository", reference: "{TLS}/team/none:v1", skopeo: false, kitfs: 3),
        .init(name: "no such digest", reference: "{TLS}/team/kit@sha256:\(zeros)", skopeo: false, kitfs: 3),
        .init(name: "no password", auth: "{}", skopeo: false, kitfs: 4),
        .init(name: "wrong password", auth: wrong("{TLS}"), skopeo: false, kitfs: 4),
        .init(name: "an old key, a URL", auth: right("https://{TLS}/v1/"), skopeo: true, kitfs: 0),
        .init(name: "a key of the repository", auth: right("{TLS}/team/kit"), skopeo: true, kitfs: 0),
        .init(name: "a key of its parent", auth: right("{TLS}/team"), skopeo: true, kitfs: 0),
        .init(name: "a key of another", auth: right("{TLS}/team/other"), skopeo: false, kitfs: 4),
        .init(name: "a key of a prefix in letters", auth: right("{TLS}/team/k"), skopeo: false, kitfs: 4),
        .init(name: "the longer key is right", auth: both("{TLS}", "{TLS}/team"), skopeo: true, kitfs: 0),
        .init(name: "the longer key is wrong", auth: both("{TLS}/team", "{TLS}"), skopeo: false, kitfs: 4),
        .init(name: "a broken auth file", auth: "{", skopeo: false, kitfs: 1),
        .init(name: "no auth file", auth: nil, skopeo: false, kitfs: 4),
        .init(name: "no base64", auth: #"{"auths":{"{TLS}":{"auth":"!"}}}"#, skopeo: false, kitfs: 1),
        .init(name: "a helper", auth: #"{"credHelpers":{"{TLS}":"good"}}"#, skopeo: true, kitfs: 0),
        .init(name: "a helper that fails", auth: #"{"credHelpers":{"{TLS}":"bad"}}"#, skopeo: false, kitfs: 4),
        .init(name: "a helper that is missing", auth: #"{"credHelpers":{"{TLS}":"no"}}"#, skopeo: false, kitfs: 4),
    ]

    static let certificates: [SkopeoCase] = [
        .init(name: "no authority", certificates: [:], skopeo: false, kitfs: 5),
        .init(name: "another authority", certificates: ["ca.crt": "{OTHERCA}"], skopeo: false, kitfs: 5),
        .init(name: "two authorities", certificates: ["a.crt": "{OTHERCA}", "b.crt": "{CA}"], skopeo: true, kitfs: 0),
        .init(name: "another suffix", certificates: ["ca.pem": "{CA}"], skopeo: false, kitfs: 5),
        .init(
            name: "a client's certificate without key", certificates: ["ca.crt": "{CA}", "c.cert": "{CA}"],
            skopeo: false, kitfs: 1),
        .init(
            name: "a client's key without certificate", certificates: ["ca.crt": "{CA}", "c.key": "{CA}"],
            skopeo: false, kitfs: 1),
        .init(
            name: "a mirror whose certificates cannot be used", reference: "{PLAIN}/team/kit:v1",
            registries: mirrored("{PLAIN}", "insecure = true", by: "{TLS}"),
            certificates: ["ca.crt": "{CA}", "c.cert": "{CA}"], skopeo: true, kitfs: 0),
        .init(
            name: "a mirror of another authority", reference: "{PLAIN}/team/kit:v1",
            registries: insecure("{PLAIN}") + "[[registry.mirror]]\nlocation = \"{TLS}\"\n", certificates: [:],
            skopeo: true, kitfs: 0),
        .init(name: "insecure", registries: insecure("{TLS}"), certificates: [:], skopeo: true, kitfs: 0),
        .init(
            name: "without verification", certificates: [:], isUnverified: true, skopeo: true, kitfs: 0),
        .init(
            name: "insecure for another", registries: insecure("{TLS}/other"), certificates: [:], skopeo: false,
            kitfs: 5),
    ]

    static let tokens: [SkopeoCase] = [
        .init(
            name: "a token", reference: "{TOKEN}/team/kit:v1", auth: right("{TOKEN}"), registries: insecure("{TOKEN}"),
            skopeo: true, kitfs: 0),
        .init(
            name: "no token for a wrong password", reference: "{TOKEN}/team/kit:v1", auth: wrong("{TOKEN}"),
            registries: insecure("{TOKEN}"), skopeo: false, kitfs: 4),
        .init(
            name: "no token for nobody", reference: "{TOKEN}/team/kit:v1", auth: "{}",
            registries: insecure("{TOKEN}"), skopeo: false, kitfs: 4),
        .init(
            name: "a refresh token", reference: "{REFRESH}/team/kit:v1",
            auth: #"{"auths":{"{REFRESH}":{"auth":"a2l0Og==","identitytoken":"r3fresh"}}}"#,
            registries: insecure("{REFRESH}"), skopeo: true, kitfs: 0),
        .init(
            name: "a wrong refresh token", reference: "{REFRESH}/team/kit:v1",
            auth: #"{"auths":{"{REFRESH}":{"auth":"a2l0Og==","identitytoken":"0ld"}}}"#,
            registries: insecure("{REFRESH}"), skopeo: false, kitfs: 4),
    ]
}
