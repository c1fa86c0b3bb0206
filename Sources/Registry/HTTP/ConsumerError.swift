// SPDX-License-Identifier: Apache-2.0

/// What the receiver of a transfer threw: not a failure of the place that the bytes come from, and so no reason to try
/// another.
struct ConsumerError: Error { let error: any Error }
