// What OpenSSL has to say about a call that failed.

import COpenSSL

/// The first error in OpenSSL's queue of this thread; empties the queue.
func openSSLError(_ call: String) -> OriginError {
  let code = ERR_get_error()
  ERR_clear_error()
  var text = [CChar](repeating: 0, count: 256)
  ERR_error_string_n(code, &text, text.count)
  let detail = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
  return .tls(call: call, detail: code == 0 ? "no detail" : String(decoding: detail, as: UTF8.self))
}
