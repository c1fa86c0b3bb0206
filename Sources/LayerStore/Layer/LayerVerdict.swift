// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI

/// The verdict on a layer. Only what verified bytes prove is final. Any other verdict allows the next request another
/// try.
enum LayerVerdict: Sendable, Equatable {
    case none
    /// The last try failed.
    case failed(StoreError)
    /// The bytes were wrong, and are fetched once more.
    case wrong(StoreError)
    /// Another fetch does not help.
    case unmountable(StoreError)

    /// The error of the last try.
    var error: StoreError? {
        switch self {
        case .none: nil
        case .failed(let error), .wrong(let error), .unmountable(let error): error
        }
    }

    /// The error for every later request; nil if another try makes sense.
    var finalError: StoreError? { if case .unmountable(let error) = self { error } else { nil } }

    /// Notes the error of a try. A final verdict stays.
    mutating func note(_ error: StoreError) {
        if finalError != nil { return }
        if error == .source(.cancelled) {
            // A cancelled try had no waiters left, so it proves nothing. The next request has a new try.
            if let earlier = self.error { self = .failed(earlier) }
            return
        }
        self = error.isFinal ? .unmountable(error) : .failed(error)
    }

    /// Notes wrong bytes. Returns true if they should be fetched once more: if this is the first time since the layer
    /// was right, or was given up.
    mutating func noteWrong(_ error: StoreError) -> Bool {
        if case .wrong = self { return false }
        if finalError == nil { self = .wrong(error) }
        return true
    }

    /// Called when the bytes are right and can be mounted.
    mutating func clear() { self = .none }
}
