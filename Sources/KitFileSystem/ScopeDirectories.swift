// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// The directories above the declared paths of a kit's layers. They are known from the Kitfile alone.
struct ScopeDirectories: Sendable {
    struct ScopeDirectory: Sendable {
        let path: EntryPath
        let parent: Int
        /// Scope directories in this one.
        var children: [EntryName: Int] = [:]
        /// Layers whose declared path is a name in this one.
        var declared: [EntryName: [Int]] = [:]
        /// Layers whose declared path is this one or above it. They may have any name here.
        var over: [Int] = []
        /// Layers whose declared path is below it.
        var under: [Int] = []
    }

    private(set) var all = [ScopeDirectory(path: .root, parent: 0)]

    /// `scopes`: the declared path of each layer, in order.
    init(scopes: [EntryPath]) {
        for (layer, scope) in scopes.enumerated() {
            guard let last = scope.names.last else { continue }
            var current = 0
            for name in scope.names.dropLast() { current = child(name, of: current) }
            all[current].declared[last, default: []].append(layer)
        }
        for (layer, scope) in scopes.enumerated() {
            for id in all.indices {
                if scope.contains(all[id].path) {
                    all[id].over.append(layer)
                } else if all[id].path.contains(scope) {
                    all[id].under.append(layer)
                }
            }
        }
    }

    private mutating func child(_ name: EntryName, of parent: Int) -> Int {
        if let known = all[parent].children[name] { return known }
        all.append(ScopeDirectory(path: all[parent].path.appending(name), parent: parent))
        all[parent].children[name] = all.count - 1
        return all.count - 1
    }
}
