// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
internal import OCI

/// An access token, and the end of its use.
struct AccessToken: Sendable {
    let text: String
    let expiry: ContinuousClock.Instant

    /// Whether the token can be sent. One that is about to expire could be refused when a transfer starts.
    var isFresh: Bool { ContinuousClock.now < expiry }
}

extension AccessToken {
    /// Parses a realm's answer; nil if it has no token that is valid in a header.
    init?(parsing answer: [UInt8]) {
        struct Body: Decodable { let token: String?, access_token: String?, expires_in: Double? }
        // The decoder's error is not shown, since it may quote the token.
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(answer)),
            let text = [body.token, body.access_token].compactMap({ $0 }).first(where: { !$0.isEmpty }),
            text.utf8.allSatisfy(\.isVisible)
        else { return nil }
        // Spec: 60 s if nothing is stated. A fifth is kept as a margin for clocks and slow links.
        let lifetime = max(1, min(body.expires_in ?? 60, 86_400)) * 0.8
        self.init(text: text, expiry: .now + .seconds(lifetime))
    }
}
