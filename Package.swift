// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// Swift 6 mode, and the checks that keep arrows between targets honest: what a file uses, it imports by name.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
/// For what is run thousands of times by the tests, which would take twice as long otherwise: optimised in debug builds
/// too, which differ from the release by their checks and crash points.
let optimised: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]
/// For targets that hold no C: every unsafe construct must be marked.
let optimisedMemory: [SwiftSetting] = optimised + [.strictMemorySafety()]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "kitfs",
    products: [.executable(name: "kitfs", targets: ["kitfs"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // Arrows point down this list only.
        .executableTarget(
            name: "kitfs",
            dependencies: [
                "Doctor", "MountProcess", "MountRecords", "KitMount", "KitFileSystem", "LayerStore", "LayerCache",
                "LayerIndex", "ModelKit",
                "Registry", "OCI", "HostSystem", "Threading", argumentParser, logging, toml,
            ],
            swiftSettings: optimised),
        // Makes the manual from what the command knows of itself: for the build, not for installing.
        .executableTarget(name: "kitfs-docs", swiftSettings: strict),
        .target(
            name: "Doctor",
            dependencies: [
                "MountRecords", "KitMount", "FuseSession", "LayerStore", "LayerCache", "ModelKit",
                "Registry", "OCI", "HostSystem",
                system,
            ],
            swiftSettings: optimised),
        .target(
            name: "MountProcess",
            dependencies: [
                "MountRecords", "KitMount", "FuseSession", "KitFileSystem", "LayerStore", "LayerCache", "LayerIndex",
                "ModelKit", "Registry", "OCI",
                "HostSystem", "Threading", "CLinux", logging,
            ],
            swiftSettings: optimised),
        .target(
            name: "MountRecords",
            dependencies: ["LayerStore", "LayerCache", "LayerIndex", "ModelKit", "OCI", "HostSystem", "Threading"],
            swiftSettings: optimised),
        .target(
            name: "KitMount",
            dependencies: [
                "FuseSession", "KitFileSystem", "LayerStore", "LayerCache", "OCI", "HostSystem",
                "Threading", "CLinux", logging,
                system,
            ],
            swiftSettings: optimised),
        .target(name: "FuseSession", dependencies: ["CFuse", "CLinux", "Threading", system], swiftSettings: optimised),
        .target(
            name: "KitFileSystem",
            dependencies: ["LayerStore", "LayerCache", "LayerIndex", "ModelKit", "OCI", "Threading", system],
            swiftSettings: optimisedMemory),
        .target(
            name: "LayerStore",
            dependencies: [
                "LayerCache", "LayerIndex", "DurableFiles", "LayerFormat", "OCI", "Threading", logging, system,
            ],
            swiftSettings: optimised),
        .target(
            name: "LayerCache",
            dependencies: ["LayerIndex", "DurableFiles", "LayerFormat", "OCI", "Threading", logging, system],
            swiftSettings: optimised),
        .target(
            name: "LayerIndex", dependencies: ["DurableFiles", "LayerFormat", "OCI", "Threading"],
            swiftSettings: optimised),
        .target(name: "DurableFiles", dependencies: [system], swiftSettings: optimised),
        .target(name: "LayerFormat", dependencies: ["CDeflate", "CZstd", "OCI"], swiftSettings: optimised),
        .target(name: "ModelKit", dependencies: ["CYAML", "OCI"], swiftSettings: optimised),
        .target(name: "Registry", dependencies: ["CCurl", "OCI", system, toml], swiftSettings: optimised),
        .target(name: "OCI", dependencies: ["CCrypto"], swiftSettings: optimised),
        .target(name: "HostSystem", dependencies: [system], swiftSettings: optimised),
        .target(name: "Threading", swiftSettings: optimised),
        .systemLibrary(name: "CFuse", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CDeflate", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        .target(
            name: "TestSupport", dependencies: ["OCI"], path: "Tests/TestSupport",
            swiftSettings: optimised),
        .testTarget(name: "TestSupportTests", dependencies: ["TestSupport"], swiftSettings: strict),
        .testTarget(name: "OCITests", dependencies: ["OCI", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "LayerFormatTests", dependencies: ["LayerFormat", "OCI", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ModelKitTests", dependencies: ["ModelKit", "CYAML", "OCI", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "RegistryTests", dependencies: ["Registry", "OCI", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "LayerStoreTests",
            dependencies: [
                "LayerStore", "LayerCache", "LayerIndex", "DurableFiles", "LayerFormat", "OCI", "TestSupport",
                "Threading", logging, system,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "KitFileSystemTests",
            dependencies: [
                "KitFileSystem", "LayerStore", "LayerCache", "LayerIndex", "ModelKit", "Registry", "OCI",
                "TestSupport", logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "kitfsTests",
            dependencies: [
                "kitfs", "MountProcess", "MountRecords", "KitFileSystem", "Registry", "OCI", "TestSupport",
                argumentParser,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MountRecordsTests",
            dependencies: ["MountRecords", "LayerStore", "LayerCache", "LayerIndex", "ModelKit", "OCI"],
            swiftSettings: strict),
        .testTarget(
            name: "FuseSessionTests", dependencies: ["FuseSession", "CFuse", "CLinux", "Threading", system],
            swiftSettings: strict),
        .testTarget(name: "ThreadingTests", dependencies: ["Threading"], swiftSettings: strict),
        .testTarget(
            name: "KitMountTests",
            dependencies: [
                "KitMount", "KitFileSystem", "LayerStore", "LayerCache", "LayerIndex", "OCI", "TestSupport",
                "Threading", logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests", dependencies: ["kitfs", "kitfs-docs", "Benchmarks", "TestSupport", "Threading"],
            swiftSettings: strict),
        .executableTarget(
            name: "Benchmarks", dependencies: ["TestSupport", "Threading", argumentParser], path: "Tests/Benchmarks",
            exclude: ["results.json", "results.svg"], swiftSettings: strict),
    ]
)

// `make fuzz` alone sets this: all targets of Tests/Fuzz in one library, which libFuzzer's main is linked to.
if Context.environment["KITFS_FUZZ"] != nil {
    package.products.append(.library(name: "FuzzTargets", type: .static, targets: ["FuzzTargets"]))
    package.targets.append(
        .target(
            name: "FuzzTargets",
            dependencies: [
                "LayerStore", "LayerCache", "LayerIndex", "DurableFiles", "LayerFormat", "ModelKit", "Registry", "OCI",
                "Threading", "TestSupport", "CYAML", system,
            ],
            path: "Tests/Fuzz", exclude: ["fuzz.sh"], swiftSettings: strict))
}
