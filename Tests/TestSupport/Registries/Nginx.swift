// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Debian's nginx, with all its files in one directory.
enum Nginx {
    /// Starts nginx, and waits up to 10 s until it listens.
    ///
    /// - Parameter http: the content of the configuration's `http` block.
    static func start(_ http: String, in directory: String, port: UInt16) throws -> BackgroundProcess {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "\($0)_temp_path \(directory)/\($0);"
        }
        let configuration = """
            daemon off;
            user root;
            worker_processes 1;
            pid \(directory)/nginx.pid;
            error_log \(directory)/error.log;
            events { worker_connections 1024; }
            http {
            \(temporary.joined(separator: " "))
            \(http)
            }
            """
        let file = directory + "/nginx.conf"
        try writeFile(file, Array(configuration.utf8))
        let process = try BackgroundProcess("/usr/sbin/nginx", ["-p", directory, "-c", file])
        try eventually(within: 10, "nginx listens") {
            guard process.isRunning else { throw TestSupportError("nginx ended: \(process.errorOutput)") }
            // nginx does not listen yet.
            guard let socket = try? LoopbackSocket.connect(port: port) else { return false }
            close(socket)
            return true
        }
        return process
    }
}
