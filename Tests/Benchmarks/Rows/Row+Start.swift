// SPDX-License-Identifier: Apache-2.0
import TestSupport

extension Row {
    static let start = Row(
        "start", "mount of a kit in an OCI layout, until it is usable", .seconds, .value(atMost: 0.050)
    ) { ground in
        let layout = try ground.place("layout")
        var kit = KitBuilder(directory: layout)
        for number in 0..<10 {
            var tar = TarBuilder()
            tar.file("part-\(number)/data.bin", noise(1000, seed: UInt64(number)))
            try kit.addLayer(kind: .dataset, path: "part-\(number)", tar: tar.finish())
        }
        try kit.write(tag: "v1", package: "start")
        let cache = try ground.place("cache")
        return try .alone(2 * ground.rounds + 1) {
            let mount = try MountedKit(ground, "oci:\(layout):v1", cache: cache)
            defer { try? mount.unmount() }
            return mount.seconds
        }
    }

    static let firstList = Row(
        "first-ls", "mount and first ls -R, cold, registry on loopback", against: "ratarmount of the blob's URL",
        .seconds, .ratio(atMost: 0.1)
    ) { ground in
        let kit = try ground.dataset
        return try .alternating(ground.rounds) {
            let mount = try MountedKit(ground, kit.reference)
            let seconds = mount.seconds + (try mount.read(.list).seconds)
            try mount.discard()
            return seconds
        } peer: {
            let mount = try Ratarmount(ground, kit)
            defer { try? mount.unmount() }
            return mount.seconds + (try mount.read(.list).seconds)
        }
    }
}
