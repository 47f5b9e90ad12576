import SwiftSyntax

/// Finds the sites of a file, whose operators have been folded by precedence.
final class SiteFinder: SyntaxVisitor {
  private(set) var sites: [Site] = []

  private static let operators: [String: (kind: Site.Kind, other: String)] = {
    var table: [String: (kind: Site.Kind, other: String)] = [:]
    for (kind, pairs) in [
      (
        .comparison,
        [
          "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", ".<": ".<=", ".>": ".>=", ".<=": ".<",
          ".>=": ".>",
        ]
      ),
      (
        .arithmetic,
        [
          "+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "&+": "&-", "&-": "&+", "&*": "&+", "<<": ">>",
          ">>": "<<", "&<<": "&>>", "&>>": "&<<", "&": "|", "|": "&",
        ]
      ),
      (.logic, ["&&": "||", "||": "&&"]),
      (
        .assignment,
        [
          "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "&+=": "&-=", "&-=": "&+=", "<<=": ">>=", ">>=": "<<=",
          "|=": "&=", "&=": "|=",
        ]
      ),
    ] as [(Site.Kind, [String: String])] {
      for (own, other) in pairs { table[own] = (kind, other) }
    }
    return table
  }()

  init() { super.init(viewMode: .sourceAccurate) }

  private static func text(_ node: some SyntaxProtocol) -> String { node.trimmedDescription }

  private static func range(_ node: some SyntaxProtocol) -> Range<Int> {
    node.positionAfterSkippingLeadingTrivia.utf8Offset..<node.endPositionBeforeTrailingTrivia.utf8Offset
  }

  /// An expression that is another one in the mutant.
  private func add(_ kind: Site.Kind, _ node: some SyntaxProtocol, mutant: String) {
    let original = Self.text(node)
    add(kind, node, Self.range(node), mutant: mutant) { "(\($0) ? \(mutant) : \(original))" }
  }

  private func add(
    _ kind: Site.Kind, _ node: some SyntaxProtocol, _ range: Range<Int>, mutant: String,
    _ text: @escaping (String) -> String
  ) {
    var statement = Syntax(node)
    while !statement.is(CodeBlockItemSyntax.self), !statement.is(MemberBlockItemSyntax.self),
      let parent = statement.parent
    { statement = parent }
    sites.append(
      Site(
        kind: kind, range: range, statement: Self.range(statement), original: Self.text(node), mutant: mutant,
        text: text))
  }

  override func visit(_ node: InfixOperatorExprSyntax) -> SyntaxVisitorContinueKind {
    if node.operator.as(BinaryOperatorExprSyntax.self)?.operator.text == "..<" {
      // One place further. A closed range would be of another type.
      let (start, end) = (Self.text(node.leftOperand), Self.text(node.rightOperand))
      add(.arithmetic, node, Self.range(node), mutant: "\(start)...\(end)") {
        "(\(start)) ..< (\($0) ? (\(end)) + 1 : \(end))"
      }
      return .visitChildren
    }
    guard let operation = node.operator.as(BinaryOperatorExprSyntax.self)?.operator.text,
      let (kind, other) = Self.operators[operation],
      // Texts and lists are put together by the same sign, and have no other.
      ![node.leftOperand, node.rightOperand].contains(where: {
        $0.is(StringLiteralExprSyntax.self) || $0.is(ArrayExprSyntax.self)
      })
    else { return .visitChildren }
    let mutant = "\(Self.text(node.leftOperand)) \(other) \(Self.text(node.rightOperand))"
    if kind == .assignment {
      let original = Self.text(node)
      if node.parent?.is(CodeBlockItemSyntax.self) == true {
        add(kind, node, Self.range(node), mutant: mutant) { "if \($0) { \(mutant) } else { \(original) }" }
      }
    } else {
      add(kind, node, mutant: mutant)
    }
    return .visitChildren
  }

  override func visit(_ node: IntegerLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    let digits = node.literal.text.filter { $0 != "_" }
    let value =
      digits.hasPrefix("0x")
      ? UInt64(digits.dropFirst(2), radix: 16)
      : digits.hasPrefix("0b") ? UInt64(digits.dropFirst(2), radix: 2) : UInt64(digits)
    if let value, value < .max { add(.constant, node, mutant: "\(value + 1)") }
    return .skipChildren
  }

  override func visit(_ node: FloatLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    if let value = Double(node.literal.text.filter({ $0 != "_" })) {
      add(.constant, node, mutant: value == 0 ? "1.0" : "\(value * 1.01)")
    }
    return .skipChildren
  }

  override func visit(_ node: BooleanLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    add(.constant, node, mutant: node.literal.text == "true" ? "false" : "true")
    return .skipChildren
  }

  override func visit(_ node: FunctionCallExprSyntax) -> SyntaxVisitorContinueKind {
    let others = ["min": "max", "max": "min"]
    if let name = node.calledExpression.as(DeclReferenceExprSyntax.self), let other = others[name.baseName.text] {
      add(.extreme, node, mutant: other + String(Self.text(node).dropFirst(3)))
    } else if let member = node.calledExpression.as(MemberAccessExprSyntax.self), let base = member.base,
      let other = others[member.declName.baseName.text]
    {
      let start = Self.text(base)
      let rest = Self.text(node).dropFirst(start.count + ".min".count)
      add(.extreme, node, mutant: "\(start).\(other)\(rest)")
    }
    return .visitChildren
  }

  /// Conditions that are no comparisons, which have mutants of their own.
  override func visit(_ node: ConditionElementSyntax) -> SyntaxVisitorContinueKind {
    // The other way round a loop would be left at once or never.
    if case .expression(let condition) = node.condition, node.parent?.parent?.is(WhileStmtSyntax.self) == false {
      add(.condition, condition, mutant: "!(\(Self.text(condition)))")
    }
    return .visitChildren
  }

  override func visit(_ node: TernaryExprSyntax) -> SyntaxVisitorContinueKind {
    add(.condition, node.condition, mutant: "!(\(Self.text(node.condition)))")
    return .visitChildren
  }

  /// Calls whose results nobody uses; the last of a closure may be its value.
  override func visit(_ node: CodeBlockItemListSyntax) -> SyntaxVisitorContinueKind {
    let inClosure = node.parent?.is(ClosureExprSyntax.self) == true
    for item in inClosure ? node.dropLast() : node[...] {
      guard case .expr(let expression) = item.item else { continue }
      let call = expression.as(TryExprSyntax.self)?.expression ?? expression
      // One expression alone may be the value of a function. Memory that is reserved makes things faster only.
      if let call = call.as(FunctionCallExprSyntax.self), node.count > 1,
        !Self.text(call.calledExpression).hasSuffix("reserveCapacity")
      {
        let original = Self.text(expression)
        add(.omission, expression, Self.range(expression), mutant: "") { "if !(\($0)) { \(original) }" }
      }
    }
    return .visitChildren
  }

  /// A function without a result that returns at once.
  override func visit(_ node: FunctionDeclSyntax) -> SyntaxVisitorContinueKind {
    if let body = node.body, node.signature.returnClause == nil {
      let brace = body.leftBrace.endPositionBeforeTrailingTrivia.utf8Offset
      let mutant = "\(node.name.text): return"
      add(.return, body.leftBrace, brace..<brace, mutant: mutant) { " if \($0) { return };" }
    }
    return .visitChildren
  }

  // Texts of messages, and what the compiler must know, have no mutants.
  override func visit(_ node: StringLiteralExprSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_ node: AttributeSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_ node: EnumCaseDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_ node: IfConfigDeclSyntax) -> SyntaxVisitorContinueKind {
    for clause in node.clauses { if let elements = clause.elements { walk(elements) } }
    return .skipChildren
  }
}
