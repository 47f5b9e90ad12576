import Basics
import CFlowADHeader

@_cdecl("cflowad_model_provenance") @implementation
public func cflowad_model_provenance(
  _ model: OpaquePointer?, _ name: UnsafePointer<CChar>?
) -> UnsafePointer<CChar>? {
  var text: UnsafePointer<CChar>?
  _ = attempt { () throws(Failure) in
    let detector = try models.object(model)
    guard let name else { throw Failure(.invalidArgument, "the name is NULL") }
    text = try detector.provenanceCharacters(String(cString: name))
  }
  return text
}

@_cdecl("cflowad_model_provenance_name") @implementation
public func cflowad_model_provenance_name(_ model: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
  var name: UnsafePointer<CChar>?
  _ = attempt { () throws(Failure) in name = try models.object(model).provenanceName(index) }
  return name
}

@_cdecl("cflowad_trainer_set_provenance") @implementation
public func cflowad_trainer_set_provenance(
  _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ text: UnsafePointer<CChar>?
) -> cflowad_status {
  use(trainer) { (trainer) throws(Failure) in
    guard let name else { throw Failure(.invalidArgument, "the name is NULL") }
    try trainer.setProvenance(String(cString: name), text.map { String(cString: $0) })
  }
}
