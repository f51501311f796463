/// What a server said about a page of its own, to be asked about it once more.
struct Validators {
  var entityTag: String?
  var lastModified: String?

  init(of record: Record) {
    for field in record.headers ?? [] where field.count == 2 {
      switch field[0].lowercased() {
      case "etag": entityTag = field[1]
      case "last-modified": lastModified = field[1]
      default: break
      }
    }
  }
}
