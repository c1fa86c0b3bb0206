// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Registry

/// `WWW-Authenticate` headers as registries send them, and malformed ones.
@Suite struct ChallengeTests {
    private static func bearer(
        _ realm: String, _ service: String? = nil, _ scope: String? = nil, _ error: String? = nil
    ) -> Challenge {
        .bearer(.init(realm: realm, service: service, scope: scope, error: error))
    }

    @Test(
        arguments: [
            (#"Basic realm="kitfs-test""#, [.basic]),
            ("Basic", [.basic]),
            ("bAsIc", [.basic]),
            (
                #"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#,
                [bearer("https://auth.docker.io/token", "registry.docker.io", "repository:a/b:pull")]
            ),
            (#"BEARER REALM="r", Error = "insufficient_scope""#, [bearer("r", nil, nil, "insufficient_scope")]),
            // Commas within quotes.
            (#"Bearer realm="r",scope="repository:a:pull,push""#, [bearer("r", nil, "repository:a:pull,push")]),
            // Escapes within quotes.
            (#"Bearer realm="a\"b\\c",service="s""#, [bearer(#"a"b\c"#, "s")]),
            ("Bearer realm=bare,service=word", [bearer("bare", "word")]),
            // Several schemes, in one header or in several that were joined.
            (#"Basic realm="x", Bearer realm="r""#, [.basic, bearer("r")]),
            (#"Bearer realm="r",service="s", Basic realm="x""#, [bearer("r", "s"), .basic]),
            (#"Negotiate, Basic, Digest qop="auth", Bearer realm="r""#, [.basic, bearer("r")]),
            // A token68 instead of parameters.
            (#"Negotiate YIIabc+/d==, Bearer realm="r""#, [bearer("r")]),
            (#"NTLM TlRM , Basic realm="x""#, [.basic]),
            (#"Bearer realm="one", Bearer realm="two""#, [bearer("one"), bearer("two")]),
            (", ,\tBasic ,", [.basic]),
            // No usable challenge.
            ("", []), (",,,", []), ("=", []), ("\"", []), (#"Bearer service="s""#, []), ("Digest realm=x", []),
            (#"Bearer realm="never ends"#, []), (#"Bearer realm="ends in \"#, []), ("Bearer realm=", []),
            // A malformed challenge ends the list. Those before it are kept.
            (#"Basic realm="x", Bearer realm="#, [.basic]),
        ] as [(String, [Challenge])]) func parses(_ header: String, _ expected: [Challenge])
    {
        #expect(Challenge.parse(header) == expected)
    }

    @Test func mutationsNeverTrap() {
        let seeds = [
            #"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#,
            #"Basic realm="a\"b", Negotiate YII==, Bearer realm=x"#,
        ]
        let bytes: [UInt8] = Array("\",=\\ \t\0\r\n/é".utf8) + [0xff, 0x80]
        var random = SeededGenerator(state: 3)
        var parsed = 0
        for round in 0..<2_000 {
            var text = Array(seeds[round % 2].utf8)
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text[place] = bytes.randomElement(using: &random) ?? 0
                case 1: text.insert(bytes.randomElement(using: &random) ?? 0, at: place)
                default: if text.count > 1 { text.removeSubrange(place...min(place + 3, text.count - 1)) }
                }
                if text.isEmpty { text = [44] }
            }
            let found = Challenge.parse(String(decoding: text, as: UTF8.self))
            #expect(found.count <= text.count)
            parsed += found.isEmpty ? 0 : 1
        }
        // Otherwise only the first word was parsed.
        #expect(parsed > 500 && parsed < 2_000)
    }
}

/// SplitMix64, which gives the same numbers in each run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
