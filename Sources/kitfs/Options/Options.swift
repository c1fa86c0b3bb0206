// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import ArgumentParser
private import Glibc
private import HostSystem
internal import LayerStore
internal import Logging
internal import ModelKit
internal import MountProcess
private import MountRecords
private import OCI
internal import Registry

/// Where the cache is.
struct CacheOptions: ParsableArguments {
    @Option(
        name: .customLong("cache"),
        help: ArgumentHelp(
            "The cache directory. [default: $KITFS_CACHE, else /var/cache/kitfs for root, else ~/.cache/kitfs]",
            valueName: "dir"))
    var path: String?

    @Option(
        name: .customLong("shared-cache"),
        help: ArgumentHelp(
            "Look in this cache before the network, and do not write to it. May be repeated. Besides these, $KITFS_SHARED_CACHE is, or else /var/cache/kitfs, if it may be read.",
            valueName: "dir"))
    var shared: [String] = []

    func validate() throws {
        guard path != "", !shared.contains("") else { throw ValidationError("A cache's directory has an empty name.") }
    }

    /// As absolute paths. Throws `CommandFailure` if there is no place for the cache.
    var locations: CacheLocations {
        get throws {
            CacheLocations(
                path: try resolved, shared: shared.map(Environment.absolute),
                common: Environment.variables["KITFS_SHARED_CACHE"].map(Environment.absolute) ?? "/var/cache/kitfs")
        }
    }

    var resolved: String {
        get throws {
            if let path { return Environment.absolute(path) }
            if let path = Environment.nonEmpty("KITFS_CACHE") { return Environment.absolute(path) }
            if Environment.ownsSystem { return "/var/cache/kitfs" }
            if let home = Environment.nonEmpty("XDG_CACHE_HOME") { return home + "/kitfs" }
            guard let home = Environment.nonEmpty("HOME") else {
                throw CommandFailure(.usage, "no place for the cache: set $HOME or $KITFS_CACHE, or give --cache DIR")
            }
            return home + "/.cache/kitfs"
        }
    }

    /// nil if there is none yet: nothing is made for those who only look.
    func look() throws -> CacheDirectory? {
        let path = try resolved
        guard access(path, F_OK) == 0, !CacheDirectory.isUnfinished(path) else { return nil }
        return try CacheDirectory(path: path, .look)
    }
}

/// How large the cache may get.
struct RoomOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keep what layers take on disk within this, as in 100GiB: the longest unused go first. [default: the disk]",
            valueName: "size"))
    var cacheLimit: ByteSize?
}

/// How registries are reached.
struct SourceOptions: ParsableArguments {
    @Flag(help: "Speak HTTP without TLS. Registries on this machine are tried both ways without it.")
    var plainHttp = false

    @Option(help: ArgumentHelp("Whether TLS certificates are checked.", valueName: "true|false"))
    var tlsVerify = true

    @Option(help: ArgumentHelp("Trust the certificate authorities in this PEM file, and no others.", valueName: "file"))
    var caFile: String?

    @Option(help: ArgumentHelp("Show this client certificate (PEM). [default: $KITOPS_CLIENT_CERT]", valueName: "file"))
    var cert: String?

    @Option(help: ArgumentHelp("The client certificate's key (PEM). [default: $KITOPS_CLIENT_KEY]", valueName: "file"))
    var key: String?

    @Option(help: ArgumentHelp("Go through this proxy. [default: $https_proxy, $http_proxy]", valueName: "url"))
    var proxy: String?

    @Option(
        help: ArgumentHelp(
            "Take credentials from this file. [default: $REGISTRY_AUTH_FILE, else where docker, podman and kit keep them]",
            valueName: "file"))
    var authfile: String?

    @Option(help: ArgumentHelp("Give up a transfer that makes no progress for so many seconds.", valueName: "seconds"))
    var timeout = 60

    @Option(
        help: ArgumentHelp("How many requests are made at a time for what is fetched as a whole.", valueName: "count"))
    var concurrency = 5

    @Flag(help: "Ask no registry: use what is in the cache, and what a tag meant when it was last asked.")
    var offline = false

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout takes 1 to 86400 seconds.") }
        guard (1...64).contains(concurrency) else { throw ValidationError("--concurrency takes 1 to 64.") }
    }

    var settings: SourceSettings {
        var settings = SourceSettings(environment: Environment.withAbsolutePaths)
        settings.plainHTTP = plainHttp
        settings.verifyTLS = tlsVerify
        settings.caFile = caFile.map(Environment.absolute)
        settings.clientCertificate = (cert ?? Environment.nonEmpty("KITOPS_CLIENT_CERT")).map(Environment.absolute)
        settings.clientKey = (key ?? Environment.nonEmpty("KITOPS_CLIENT_KEY")).map(Environment.absolute)
        settings.proxy = proxy
        settings.authFile = authfile.map(Environment.absolute)
        settings.timeout = timeout
        settings.isOffline = offline
        return settings
    }

    /// With warnings of what makes reading unsafe, on stderr.
    var access: KitAccess {
        var settings = settings
        if !tlsVerify, !plainHttp, !offline {
            Terminal.warning("--tls-verify=false: \(SourceSettings.risk)")
        } else if !plainHttp {
            let warnings = Warnings()
            settings.warn = { warnings.tell($0) }
        }
        return KitAccess(settings: settings, concurrency: concurrency)
    }
}

/// Which parts of a kit.
struct FilterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only these parts, as with `kit unpack`: TYPE[,TYPE][:NAME[,NAME]]. May be repeated.",
            discussion:
                "Types: kitfile, model, datasets, code, prompts, docs, mcpservers. Names or paths: the Kitfile's.",
            valueName: "filter"))
    var filter: [String] = []

    var filters: [KitFilter] {
        get throws { try filter.map { try KitFilter(parsing: $0) } }
    }
}

/// A command that logs.
protocol LoggingCommand: ParsableCommand {
    var log: LogOptions { get }
}

/// What is logged.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The least important messages to log.", valueName: "level"))
    var logLevel: Level = .notice

    enum Level: String, CaseIterable, ExpressibleByArgument {
        case debug, info, notice, warning, error

        var logger: Logger.Level {
            switch self {
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
        }
    }

    @Option(
        help: ArgumentHelp(
            "How they are logged: text, or json with one object a line.", valueName: "format"))
    var logFormat: LineLogHandler.Format = .text

    func logger(_ sink: LogSink) -> Logger {
        Logger(label: "kitfs") { _ in LineLogHandler(level: logLevel.logger, format: logFormat, sink: sink) }
    }
}
