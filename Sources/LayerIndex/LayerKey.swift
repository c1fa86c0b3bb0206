// SPDX-License-Identifier: Apache-2.0
public import OCI

/// The key of a layer in the cache: its digest, and the form in which it is read. One blob in two forms is two layers.
/// Otherwise a hostile kit could spoil a genuine layer by declaring another form.
public struct LayerKey: Hashable, Sendable, CustomStringConvertible {
    public let digest: Digest
    public let form: LayerForm

    public init(digest: Digest, form: LayerForm) {
        self.digest = digest
        self.form = form
    }

    /// Parses a directory's name, `sha256-HEX.tar+gzip`.
    public init?(_ name: some StringProtocol) {
        guard let dash = name.firstIndex(of: "-"), let dot = name.firstIndex(of: "."), dash < dot,
            let digest = Digest("\(name[..<dash]):\(name[name.index(after: dash)..<dot])"),
            let form = LayerForm(name[name.index(after: dot)...])
        else { return nil }
        self.init(digest: digest, form: form)
    }

    /// A file name: letters, digits, `-`, `.` and `+`.
    public var description: String { "\(digest.algorithm.rawValue)-\(digest.hex).\(form)" }
}
