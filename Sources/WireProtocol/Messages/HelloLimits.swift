/// What a hello may name of jobs that its agent does not work for: agents keep no more, coordinators believe no more.
package enum HelloLimits {
  package static let keptJobs = 16
  package static let keptRows = 1 << 20
}
