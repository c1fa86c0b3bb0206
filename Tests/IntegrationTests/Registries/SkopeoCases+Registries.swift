// SPDX-License-Identifier: Apache-2.0

extension SkopeoCase {
    /// Cases with a registries.conf.
    static let places: [SkopeoCase] = [
        .init(name: "nobody listens", reference: "{GONE}/team/kit:v1", skopeo: false, kitfs: 5),
        .init(name: "plain HTTP elsewhere", reference: "0.0.0.0:{PORT}/team/kit:v1", skopeo: false, kitfs: 5),
        .init(
            name: "plain HTTP elsewhere, without verification", reference: "0.0.0.0:{PORT}/team/kit:v1",
            isUnverified: true, skopeo: true, kitfs: 0),
        .init(
            name: "plain HTTP elsewhere, insecure", reference: "0.0.0.0:{PORT}/team/kit:v1",
            registries: insecure("0.0.0.0:{PORT}"), skopeo: true, kitfs: 0),
        .init(
            name: "nobody listens, without verification", reference: "{GONE}/team/kit:v1", isUnverified: true,
            skopeo: false, kitfs: 5),
        .init(
            name: "plain HTTP", reference: "{PLAIN}/team/kit:v1", registries: insecure("{PLAIN}"), skopeo: true,
            kitfs: 0),
        .init(
            name: "blocked", reference: "{PLAIN}/team/kit:v1",
            registries: "[[registry]]\nlocation = \"{PLAIN}/team\"\nblocked = true\n", skopeo: false, kitfs: 4),
        .init(
            name: "blocked up to a longer prefix", reference: "{PLAIN}/team/kit:v1",
            registries: "[[registry]]\nlocation = \"{PLAIN}\"\nblocked = true\n" + insecure("{PLAIN}/team"),
            skopeo: true, kitfs: 0),
        .init(
            name: "blocked for a part of a name", reference: "{PLAIN}/team/kit:v1",
            registries: "[[registry]]\nlocation = \"{PLAIN}/te\"\nblocked = true\n" + insecure("{PLAIN}"),
            skopeo: true, kitfs: 0),
        .init(
            name: "another location", reference: "models.example.test/x/kit:v1",
            registries: """
                [[registry]]
                prefix = "models.example.test/x"
                location = "{PLAIN}/team"
                insecure = true
                """, skopeo: true, kitfs: 0),
        .init(
            name: "a mirror", reference: "{GONE}/team/kit:v1", registries: mirrored("{GONE}", by: "{PLAIN}"),
            skopeo: true, kitfs: 0),
        .init(
            name: "a mirror with a path", reference: "{GONE}/kit:v1",
            registries: mirrored("{GONE}", by: "{PLAIN}/team"),
            skopeo: true, kitfs: 0),
        .init(
            name: "a mirror that is gone", reference: "{PLAIN}/team/kit:v1",
            registries: mirrored("{PLAIN}", "insecure = true", by: "{GONE}"), skopeo: true,
            kitfs: 0),
        .init(
            name: "a mirror that lacks it", reference: "{PLAIN}/team/kit:v1",
            registries: mirrored("{PLAIN}/team", "insecure = true", by: "{PLAIN}/none"),
            skopeo: true, kitfs: 0),
        .init(
            name: "a mirror that refuses", reference: "{PLAIN}/team/kit:v1", auth: "{}",
            registries: mirrored("{PLAIN}", "insecure = true", by: "{TOKEN}"), skopeo: true,
            kitfs: 0),
        .init(
            name: "a mirror's password", reference: "{GONE}/team/kit:v1", auth: right("{TOKEN}"),
            registries: mirrored("{GONE}", by: "{TOKEN}"), skopeo: true, kitfs: 0),
        .init(
            name: "a mirror for a wildcard", reference: "a.example.test/team/kit:v1",
            registries: mirrored("*.example.test", by: "{PLAIN}"), skopeo: true, kitfs: 0),
        .init(
            name: "a mirror by digest only, and a tag", reference: "{GONE}/team/kit:v1",
            registries: mirrored("{GONE}", "mirror-by-digest-only = true", by: "{PLAIN}"), skopeo: false, kitfs: 5),
        .init(
            name: "a mirror by digest only, and a digest", reference: "{GONE}/team/kit@{DIGEST}",
            registries: mirrored("{GONE}", "mirror-by-digest-only = true", by: "{PLAIN}"), skopeo: true, kitfs: 0),
        .init(
            name: "no location of a mirror", reference: "{PLAIN}/team/kit:v1",
            registries: "[[registry]]\nlocation = \"{PLAIN}\"\n[[registry.mirror]]\ninsecure = true\n", skopeo: false,
            kitfs: 1),
        .init(
            name: "another location for a wildcard", reference: "a.example.test/kit:v1",
            registries: "[[registry]]\nprefix = \"*.example.test\"\nlocation = \"{PLAIN}/team\"\ninsecure = true\n",
            skopeo: true, kitfs: 0),
        .init(
            name: "no location", reference: "{PLAIN}/team/kit:v1",
            registries: "[[registry]]\nprefix = \"{PLAIN}\"\ninsecure = true\n", skopeo: false, kitfs: 1),
        .init(
            name: "version 1", reference: "0.0.0.0:{PORT}/team/kit:v1",
            registries: "[registries.insecure]\nregistries = [\"0.0.0.0:{PORT}\"]\n", skopeo: true, kitfs: 0),
        .init(
            name: "version 1, blocked", reference: "{PLAIN}/team/kit:v1",
            registries: """
                [registries.insecure]
                registries = ["{PLAIN}"]
                [registries.block]
                registries = ["{PLAIN}"]
                """, skopeo: false, kitfs: 4),
        .init(
            name: "both versions", reference: "{PLAIN}/team/kit:v1",
            registries: "[registries.search]\nregistries = [\"a.io\"]\n" + insecure("{PLAIN}"), skopeo: false,
            kitfs: 1),
        .init(
            name: "no TOML", reference: "{PLAIN}/team/kit:v1", registries: "[[registry", skopeo: false, kitfs: 1),
    ]

    /// Intended differences.
    static let differences: [SkopeoCase] = [
        // Like docker, kitfs accepts plain HTTP from this machine.
        .init(name: "plain HTTP without insecure", reference: "{PLAIN}/team/kit:v1", skopeo: false, kitfs: 0),
        // kitfs uses the digest. skopeo refuses a tag and a digest together.
        .init(name: "tag and digest", reference: "{TLS}/team/kit:v1@{DIGEST}", skopeo: false, kitfs: 0),
        // Docker's credsStore, for all hosts; skopeo reads only credHelpers.
        .init(name: "a store", auth: #"{"credsStore":"good"}"#, skopeo: false, kitfs: 0),
    ]
}
