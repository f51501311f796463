package import Keys

/// What `resume` was told on its command line, validated.
package struct ResumeRequest: Sendable {
  package var path: String
  /// nil: those that the job began with.
  package var agents: CoordinatorConfiguration.Agents?
  /// nil: those of the folder that the job began with, if agents dial in as then.
  package var keys: CoordinatorKeys?
  /// What is said to agents can be read on the way.
  package var isInTheClear = false
  /// Which rows of a job that has ended to fetch again; nil to go on with what is not done.
  package var selection: RowSelection?
  /// Repeats requests that must not be sent twice otherwise.
  package var repeatsUnsafe = false
  package var agentWait: Duration = .seconds(30)
  package var failsOnErrors = false
  package var progress = CoordinatorConfiguration.Progress.lines

  package init(path: String) { self.path = path }
}
