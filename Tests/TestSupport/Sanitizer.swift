// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What `Tests/Sanitizers/run.sh` runs the tests under.
public enum Sanitizer {
    /// Programs are several times as large and slow: what they use, and how far they come in a time, is no fault then.
    public static let isOn = getenv("KITFS_SANITIZER") != nil
}
