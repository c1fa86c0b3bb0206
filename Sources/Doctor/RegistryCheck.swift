// SPDX-License-Identifier: Apache-2.0
internal import ModelKit
internal import OCI
internal import Registry

/// Whether a kit can be had: its place reached, ourselves let in, and what is there a kit. Nothing is kept of it.
struct RegistryCheck {
    private let reference: String
    private let options: SourceOptions
    private static let check = "registry"

    init(_ reference: String, _ options: SourceOptions) {
        self.reference = reference
        self.options = options
    }

    var finding: Finding {
        do {
            let settings = options.settings
            let family = try KitFamily.fetch(SourceOptions.reference(reference), filters: []) { reference in
                try settings.source(for: reference)
            }
            let count = family.members.reduce(0) { $0 + $1.layers.count }
            return .ok(
                Self.check,
                "\(reference) is a kit of \(count) layers, \(ByteCount.text(family.size)): \(family.kit.resolved.digest)"
            )
        } catch {
            let failure = CommandFailure(error, reference)
            return .problem(Self.check, failure.message, Self.remedy(failure.code, reference))
        }
    }

    private static func remedy(_ code: CommandFailure.Code, _ text: String) -> String? {
        let host: String? =
            if case .registry(let host, _)? = (try? Reference(parsing: text))?.origin { "\(host)" } else { nil }
        guard let host else { return nil }
        return switch code {
        case .unauthorized: "docker login \(host), or --authfile FILE"
        case .unreachable:
            "curl -v https://\(host)/v2/ says more; behind a proxy: --proxy URL; without TLS: --plain-http"
        default: nil
        }
    }
}
