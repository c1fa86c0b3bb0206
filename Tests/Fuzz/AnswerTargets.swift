// SPDX-License-Identifier: Apache-2.0
import OCI

@testable import Registry

extension FuzzTarget {
    /// A realm's answer to a request for a token.
    static let token = FuzzTarget(name: "token", seeds: { AnswerReadings.tokens.map { Array($0.utf8) } }) { bytes in
        let before = ContinuousClock.now
        guard let token = AccessToken(parsing: bytes) else { return }
        require(!token.text.isEmpty && token.text.utf8.allSatisfy { (33...126).contains($0) }, "\(token.text)")
        require(token.expiry > before && token.expiry < .now + .seconds(86_401), "\(token.expiry) after \(before)")
    }

    /// A repository's `-tags.json` in kit's local store.
    static let tags = FuzzTarget(name: "tags", seeds: { AnswerReadings.tags.map { Array($0.utf8) } }) { bytes in
        // The base64 of “localhost/mymodel”, as kit names the file.
        _ = try FuzzPlace.keep(bytes, as: "storage/bG9jYWxob3N0L215bW9kZWw=-tags.json")
        guard let store = LocalStore(environment: ["KITOPS_HOME": FuzzPlace.directory]) else { fatalError("no store") }
        do throws(SourceError) {
            for (tag, descriptor) in try (store.tags(of: "localhost/mymodel") ?? [:]).prefix(8) {
                guard let tag = Tag(tag) else { continue }
                require(try store.digest(of: tag, in: "localhost/mymodel") == descriptor.digest, "\(tag) is another")
            }
        } catch { require(!error.description.isEmpty, "an error without words") }
        let reference = try Reference(parsing: "mymodel")
        guard case .localStore(let repository) = reference.origin else { fatalError("no local reference") }
        do throws(SourceError) {
            _ = try LocalStoreSource(reference, repository: repository, store: store).resolve()
            fatalError("there is no blob to be found")
        } catch { require(!error.description.isEmpty, "an error without words") }
    }
}

enum AnswerReadings {
    static let tokens = [
        #"{"token":"abc.def","expires_in":300,"issued_at":"2024-01-01T00:00:00Z"}"#,
        #"{"access_token":"x","token":"","expires_in":1e300}"#, #"{"token":"x","expires_in":-1.5}"#,
        #"{"token":"a b"}"#, #"{"errors":[]}"#,
    ]

    static var tags: [String] {
        let digest = "sha256:" + String(repeating: "0a", count: 32)
        let descriptor =
            #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(digest)","size":581}"#
        return [
            #"{"v1":\#(descriptor),"latest":\#(descriptor)}"#, #"{"a\u0000b":\#(descriptor),"é":\#(descriptor)}"#, "{}",
            #"{"latest":null}"#,
        ]
    }
}
