// SPDX-License-Identifier: Apache-2.0

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
        return answer.wait(atMost: .milliseconds(milliseconds)) { $0 }
    }
}
