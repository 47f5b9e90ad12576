/// What was worked out for the last few kinds of input, the latest first: whoever alternates between them works out
/// nothing again.
package struct RecentPlans<Plan: AnyObject> {
  private var plans: [Plan] = []

  package static var capacity: Int { 4 }

  package init() { plans.reserveCapacity(Self.capacity) }

  /// The plan that fits, else a new one in place of the one that was not used for the longest time.
  package mutating func plan(
    fits: (Plan) -> Bool, make: () throws(Failure) -> Plan
  ) throws(Failure) -> Plan {
    if let place = plans.firstIndex(where: fits) {
      let plan = plans[place]
      if place > 0 {
        for index in stride(from: place, to: 0, by: -1) { plans[index] = plans[index - 1] }
        plans[0] = plan
      }
      return plan
    }
    // The old memory goes before the new comes.
    if plans.count == Self.capacity { plans.removeLast() }
    let plan = try make()
    plans.insert(plan, at: 0)
    return plan
  }
}
