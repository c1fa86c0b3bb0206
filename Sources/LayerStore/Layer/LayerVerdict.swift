// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI

/// What is held against a layer. Only what verified bytes prove is final: everything else is asked for anew by the next one
/// who wants it.
enum LayerVerdict: Sendable, Equatable {
    case none
    /// The last try failed.
    case failed(StoreError)
    /// Its bytes were wrong, and are fetched once more.
    case wrong(StoreError)
    /// No fetch makes it better.
    case unmountable(StoreError)

    /// What the last try ended with.
    var error: StoreError? {
        switch self {
        case .none: nil
        case .failed(let error), .wrong(let error), .unmountable(let error): error
        }
    }

    /// The answer to whoever asks for the layer; nil where it is worth a try.
    var finalError: StoreError? { if case .unmountable(let error) = self { error } else { nil } }

    /// Takes what a try ended with. A final verdict stays.
    mutating func note(_ error: StoreError) {
        if finalError != nil { return }
        if error == .source(.cancelled) {
            // Nobody waits any more: the next one who does has a try of its own.
            if let earlier = self.error { self = .failed(earlier) }
            return
        }
        self = error.isFinal ? .unmountable(error) : .failed(error)
    }

    /// Wrong bytes were found. True if they are worth one more try because it is the first time since the layer was right,
    /// or given up.
    mutating func noteWrong(_ error: StoreError) -> Bool {
        if case .wrong = self { return false }
        if finalError == nil { self = .wrong(error) }
        return true
    }

    /// The bytes are right, and can be mounted.
    mutating func clear() { self = .none }
}
