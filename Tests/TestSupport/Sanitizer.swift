// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The sanitizer that `Tests/Sanitizers/run.sh` runs the tests under.
public enum Sanitizer {
    /// Programs are several times as large and slow then, so tests must not judge their memory or speed.
    public static let isOn = getenv("KITFS_SANITIZER") != nil
}
