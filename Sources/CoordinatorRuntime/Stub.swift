import FetchModel
import JobStore
struct CurrentRecords { init(of passes: [Pass], in files: any FileLayer) throws {}
  func forEachCurrentColumn(_ body: (ResultColumn) -> Void) throws {} }
