// SPDX-License-Identifier: Apache-2.0
private import HostSystem
internal import OCI

/// A kit that a command line names. It is parsed with the line.
struct KitArgument {
    /// A layout's directory is made absolute, since a mount leaves the directory it was started in.
    let reference: Reference
    /// As it was given, for messages.
    let text: String

    /// Throws `ReferenceError`, which the parser reports.
    init(_ text: String) throws {
        let reference = try Reference(parsing: text)
        self.text = text
        guard case .layout(let directory) = reference.origin else {
            self.reference = reference
            return
        }
        self.reference = Reference(
            origin: .layout(directory: Environment.absolute(directory)), tag: reference.tag, digest: reference.digest)
    }
}
