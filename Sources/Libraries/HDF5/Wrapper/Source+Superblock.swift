// What libhdf5 reads when it opens a file, before anything else of it can be checked (HDF5 File Format Specification, version 3.0,
// II.A).
extension Source {
  /// Whether the headers that the superblock leads to are sound: the root group's, and that of the superblock's extension if there
  /// is one. libhdf5 takes as much memory as a header says it has bytes, up to 4 GB of a small file.
  var hasSoundSuperblock: Bool {
    switch unsigned(8, 1) {
    case 0: hasSoundSuperblock(addressesAt: 24)
    case 1: hasSoundSuperblock(addressesAt: 28)
    case 2, 3: isSoundHeader(at: 36) && (isUndefined(20) || isSoundHeader(at: 20))
    default: false
    }
  }

  /// Checks superblocks of versions 0 and 1, where four addresses precede the root group's entry. The fourth, that of driver
  /// information, must be undefined: only files that are split over several have it, and those are refused.
  private func hasSoundSuperblock(addressesAt start: Int) -> Bool {
    isUndefined(start + 24) && isSoundHeader(at: start + 40)
  }

  private func isUndefined(_ position: Int) -> Bool { bytes(position, 8)?.allSatisfy { $0 == 0xff } ?? false }

  /// Whether the header is sound whose address lies here.
  private func isSoundHeader(at position: Int) -> Bool {
    unsigned(position, 8).flatMap { ObjectHeader(at: $0, in: self) }?.isSound(in: self) ?? false
  }
}
