// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
private import HostSystem
internal import LayerCache
internal import LayerStore
internal import OCI

private typealias Stage = Layer.Status.Stage

extension StatusReport.Layer {
    static func all(of found: FoundRecord, _ cache: CacheDirectory?) -> [StatusReport.Layer] {
        found.record.layers.enumerated().map { ordinal, layer in
            StatusReport.Layer(layer, found.isAlive ? found.activity[ordinal] : nil, cache)
        }
    }

    /// `activity`: of a live mount. The status of a layer at rest comes from `cache`, if this user owns it.
    init(_ layer: MountRecord.Layer, _ activity: MountActivity.Layer?, _ cache: CacheDirectory?) {
        kind = layer.kind
        path = layer.path
        name = layer.name
        digest = layer.digest
        size = layer.size
        var stage = activity?.stage ?? "unknown"
        var cached = activity?.cached ?? 0
        if activity?.isAtRest ?? true, let cache, let digest = Digest(layer.digest), let form = LayerForm(layer.form) {
            let stored = cache.status(LayerKey(digest: digest, form: form), blobSize: layer.size)
            cached = stored.cached
            if stage != Stage.failed.rawValue { stage = stored.stage.rawValue }
        }
        self.cached = cached
        let isFetching = stage == Stage.fetching.rawValue
        state = isFetching && cached >= layer.size ? "verifying" : stage
        received = activity?.received ?? 0
        rate = isFetching ? activity?.rate ?? 0 : 0
        secondsLeft = isFetching ? RateMeter.secondsLeft(layer.size - min(layer.size, cached), at: rate) : nil
        error = activity?.error
        errorTime = activity?.errorTime
        waits = (activity?.waits ?? []).map(StatusReport.Wait.init)
        waiters = activity?.waiters ?? 0
    }
}

extension StatusReport.Wait {
    fileprivate init(_ wait: MountActivity.Wait) {
        operation = wait.operation
        count = wait.count
        since = wait.since
        processes = wait.callers.map { caller in
            let name = TextFile.read("/proc/\(caller)/comm").map { String($0.prefix { !$0.isNewline }) }
            return StatusReport.Process(pid: caller, command: name)
        }
    }
}
