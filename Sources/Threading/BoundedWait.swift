// SPDX-License-Identifier: Apache-2.0

extension BackgroundThread {
    /// Runs `body` on another thread. Returns its result, or nil if it takes longer than `milliseconds`; the thread is
    /// left to itself then. This is for calls that may hang in the kernel, as on a file system that does not answer.
    public static func result<Value: Sendable>(
        within milliseconds: Int, _ body: @escaping @Sendable () -> Value
    ) -> Value? {
        let answer = Monitor<Value?>(nil)
        start {
            let value = body()
            answer.update { $0 = value }
        }
        return answer.wait(atMost: .milliseconds(milliseconds)) { $0 }
    }
}
