// SPDX-License-Identifier: Apache-2.0
private import Glibc

extension BackgroundThread {
    /// What `body` returns, if it does so within `milliseconds`: on a thread that is left to itself if it does not. For what
    /// may hang in the kernel, where no signal reaches, as a look at a file system that does not answer.
    public static func result<Value: Sendable>(
        within milliseconds: Int, _ body: @escaping @Sendable () -> Value
    ) -> Value? {
        let answer = Monitor<Value?>(nil)
        start {
            let value = body()
            answer.update { $0 = value }
        }
        for _ in 0..<milliseconds {
            if let value = answer.update({ $0 }) { return value }
            usleep(1_000)
        }
        return answer.update { $0 }
    }
}
