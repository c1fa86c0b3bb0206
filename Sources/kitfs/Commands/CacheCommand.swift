// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "List, empty and check the cache.",
        subcommands: [CacheListCommand.self, CachePruneCommand.self, CacheVerifyCommand.self])
}
