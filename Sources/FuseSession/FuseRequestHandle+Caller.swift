// SPDX-License-Identifier: Apache-2.0
private import CFuse

extension FuseRequestHandle {
    /// The thread that sent the request; 0 if it is not visible in this PID namespace. To be asked before the answer.
    public var caller: Int32 { fuse_req_ctx(raw)?.pointee.pid ?? 0 }
}
