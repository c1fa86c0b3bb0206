// SPDX-License-Identifier: Apache-2.0

internal import LayerCache
internal import LayerStore
internal import ModelKit
internal import OCI

/// Why a command ends: one line for people, a code for scripts.
package struct CommandFailure: Error {
    package enum Code: Int32, Sendable {
        case failed = 1
        case usage = 2
        case notFound = 3
        case unauthorized = 4
        case unreachable = 5
        case unusable = 6
        case mountPoint = 7
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The one place where errors of all parts become exit codes. `subject` is what the user named.
    package init(_ error: any Error, _ subject: String) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as SourceError: self.init(Self.code(error), "\(subject): \(error)")
        case let error as ModelKitError: self.init(.unusable, "\(subject): \(error)")
        case let error as ReferenceError: self.init(.usage, error.description)
        case let error as KitFilter.ParseError: self.init(.usage, error.description)
        case let error as StoreError: self.init(Self.code(error), "\(subject): \(error)")
        default: self.init(.failed, "\(subject): \(error)")
        }
    }

    private static func code(_ error: SourceError) -> Code {
        switch error {
        case .notFound: .notFound
        case .unauthorized: .unauthorized
        case .unreachable: .unreachable
        case .unusable: .unusable
        case .misconfigured, .cancelled: .failed
        }
    }

    private static func code(_ error: StoreError) -> Code {
        switch error {
        case .source(let error): code(error)
        case .digestMismatch, .unlistable, .unmountable: .unusable
        case .noSpace, .cache: .failed
        }
    }
}
