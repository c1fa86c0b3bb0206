// SPDX-License-Identifier: Apache-2.0
private import CFuse

extension FuseRequestHandle {
    /// The thread that asked, as this process' namespace numbers it; 0 where it has no number here. While the request is
    /// not answered.
    public var caller: Int32 { fuse_req_ctx(raw)?.pointee.pid ?? 0 }
}
