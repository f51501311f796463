import CIDN2

// Owns: the one door to libidn2, which brings host names beyond ASCII into the A-labels that DNS, Host, SNI and
// certificates know (UTS #46, RFC 5891). Bytes in, bytes out: no state, no locale, no I/O.
//
// Theory of operation
//
// libidn2 maps a name as UTS #46 says (non-transitional, as browsers have it since 2023), puts it into normalisation
// form C, and then asks for what IDNA2008 allows of a label, joiners and the Bidi rule included. IDNA2008 knows fewer
// characters than UTS #46: it has no symbols, so no emoji, and the tables of an older libidn2 lack what was assigned
// since. Names of these exist and are looked up by browsers, so a name that fails for nothing else gets a second try
// that stops at UTS #46.
//
// IDN2_USE_STD3_ASCII_RULES is never passed: libidn2 does not refuse what these rules forbid, it leaves it out
// ("a_b" becomes "ab", the sign for "account of", U+2100, becomes nothing). So a name that comes back may hold any
// ASCII character that one beyond ASCII stands for, "/" and "@" too, and the caller has to check it as it checks
// names that were ASCII from the start.

/// Why a name has no A-label.
package enum InternationalNameProblem: Error, Equatable, Sendable {
  case notUTF8
  /// A label that begins with "xn--" does not decode, or to something that is not encoded so.
  case invalidALabel
  /// A character that no name may hold, or not at its place.
  case invalidCharacter
  case labelTooLong
  case nameTooLong
}

/// The name in ASCII. Full-width digits, letters and dots become ordinary ones, letters lower case, labels beyond
/// ASCII A-labels; a label that is an A-label already is checked to be one. Lengths are not checked for names that need
/// no conversion, and which ASCII characters come out is for the caller to look at.
///
/// Costs microseconds and allocations: not for names that are plain ASCII without A-labels.
package func asciiName(of name: [UInt8]) throws(InternationalNameProblem) -> [UInt8] {
  guard !name.contains(0) else { throw .invalidCharacter }
  do throws(Failure) {
    return try lookUp(name, [IDN2_NONTRANSITIONAL, IDN2_NFC_INPUT])
  } catch {
    guard error.isAboutIDNA2008Only, let flags = flagsWithoutIDNA2008(for: name) else { throw error.problem }
    do throws(Failure) { return try lookUp(name, flags) } catch { throw error.problem }
  }
}

/// What makes libidn2 stop at UTS #46; nil if nothing does for this name.
private func flagsWithoutIDNA2008(for name: [UInt8]) -> [idn2_flags]? {
  // The check of an A-label against IDNA2008 is the round trip of RFC 5891 section 5.4.
  guard !name.allSatisfy({ $0 < 0x80 }) else { return [IDN2_NONTRANSITIONAL, IDN2_NO_ALABEL_ROUNDTRIP] }
  // Transitional processing makes no such check at all. It differs for the deviation characters alone (UTS #46 section
  // 2.3, and U+1E9E, which is mapped to one): sharp s, final sigma, the joiners.
  let deviations: Set<Unicode.Scalar> = ["\u{DF}", "\u{1E9E}", "\u{3C2}", "\u{200C}", "\u{200D}"]
  guard !String(decoding: name, as: UTF8.self).unicodeScalars.contains(where: deviations.contains) else { return nil }
  return [IDN2_TRANSITIONAL, IDN2_NFC_INPUT]
}

private func lookUp(_ name: [UInt8], _ flags: [idn2_flags]) throws(Failure) -> [UInt8] {
  let terminated = name + [0]
  var result: UnsafeMutablePointer<UInt8>?
  let code = idn2_lookup_u8(terminated, &result, flags.reduce(0) { $0 | Int32(bitPattern: $1.rawValue) })
  guard code == IDN2_OK.rawValue, let result else { throw Failure(code: code) }
  defer { idn2_free(result) }
  var end = result
  while end.pointee != 0 { end += 1 }
  return Array(UnsafeBufferPointer(start: result, count: end - result))
}

/// A return code of libidn2 that is not IDN2_OK.
private struct Failure: Error {
  let code: Int32

  /// A character that UTS #46 may allow all the same.
  var isAboutIDNA2008Only: Bool { code == IDN2_DISALLOWED.rawValue || code == IDN2_UNASSIGNED.rawValue }

  var problem: InternationalNameProblem {
    switch code {
    case IDN2_MALLOC.rawValue: preconditionFailure("no memory for libidn2")
    case IDN2_ENCODING_ERROR.rawValue: .notUTF8
    case IDN2_PUNYCODE_BAD_INPUT.rawValue, IDN2_PUNYCODE_OVERFLOW.rawValue, IDN2_INVALID_ALABEL.rawValue,
      IDN2_UALABEL_MISMATCH.rawValue, IDN2_ALABEL_ROUNDTRIP_FAILED.rawValue:
      .invalidALabel
    case IDN2_PUNYCODE_BIG_OUTPUT.rawValue, IDN2_TOO_BIG_LABEL.rawValue: .labelTooLong
    case IDN2_TOO_BIG_DOMAIN.rawValue: .nameTooLong
    // The library's list may grow (idn2.h).
    default: .invalidCharacter
    }
  }
}
