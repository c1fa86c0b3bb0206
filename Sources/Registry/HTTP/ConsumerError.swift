// SPDX-License-Identifier: Apache-2.0

/// An error that the receiver of a transfer threw. It is not a failure of the source, so no other source is tried.
struct ConsumerError: Error { let error: any Error }
