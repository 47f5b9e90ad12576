import CFlowADHeader

/// A struct of the header that begins with `struct_size` and only ever grows at its end.
protocol VersionedStruct {
  /// The struct with every byte zero.
  init()
  /// Its size in the first version that had it: a caller's `struct_size` is never smaller.
  static var firstSize: Int { get }
}

extension cflowad_frame: VersionedStruct { static var firstSize: Int { 40 } }
extension cflowad_model_info: VersionedStruct { static var firstSize: Int { 152 } }
extension cflowad_advice: VersionedStruct { static var firstSize: Int { 208 } }
extension cflowad_session_options: VersionedStruct { static var firstSize: Int { 16 } }
extension cflowad_result: VersionedStruct { static var firstSize: Int { 88 } }
extension cflowad_roi: VersionedStruct { static var firstSize: Int { 56 } }
extension cflowad_train_options: VersionedStruct { static var firstSize: Int { 96 } }
extension cflowad_quantization: VersionedStruct { static var firstSize: Int { 80 } }
extension cflowad_verification: VersionedStruct { static var firstSize: Int { 40 } }
extension cflowad_overlay_options: VersionedStruct { static var firstSize: Int { 24 } }
extension cflowad_queue_options: VersionedStruct { static var firstSize: Int { 16 } }
extension cflowad_submission: VersionedStruct { static var firstSize: Int { 32 } }
extension cflowad_completion: VersionedStruct { static var firstSize: Int { 56 } }
extension cflowad_queue_state: VersionedStruct { static var firstSize: Int { 64 } }
extension cflowad_watch_options: VersionedStruct { static var firstSize: Int { 24 } }
extension cflowad_watch_state: VersionedStruct { static var firstSize: Int { 72 } }
