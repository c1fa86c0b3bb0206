// SPDX-License-Identifier: Apache-2.0
private import ModelKit
internal import MountRecords
internal import OCI
internal import Registry

/// Whether a kit can be fetched: its registry answers, lets this user in, and has a kit there. Nothing is cached.
struct RegistryCheck {
    let reference: Reference
    /// The reference as it was given.
    let name: String
    let settings: SourceSettings
    private static let check = "registry"

    var result: CheckResult {
        do {
            let family = try KitFamily.fetch(reference, filters: []) { [settings] reference in
                try settings.source(for: reference)
            }
            let count = family.members.reduce(0) { $0 + $1.layers.count }
            return .ok(
                Self.check,
                "\(name) is a kit of \(count) layers, \(ByteCount.text(family.size)): \(family.kit.resolved.digest)"
            )
        } catch {
            let failure = CommandFailure(error, name)
            return .problem(Self.check, failure.message, remedy(failure.code))
        }
    }

    private func remedy(_ code: CommandFailure.Code) -> String? {
        guard case .registry(let host, _) = reference.origin else { return nil }
        return switch code {
        case .unauthorized: "docker login \(host), or --authfile FILE"
        case .unreachable:
            "curl -v https://\(host)/v2/ says more; behind a proxy: --proxy URL; without TLS: --plain-http"
        default: nil
        }
    }
}
