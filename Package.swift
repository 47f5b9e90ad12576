// swift-tools-version: 6.2
import PackageDescription

// The way of a frame: Imaging -> Encoders -> Flows -> Scoring. Beside it Training, Evaluation and ModelFile; above it
// the C ABI (CFlowAD) and the tool; below it Layers, Execution, Kernels and Basics. Each C library is met in three layers: the system
// library (its headers), a thin C shim where its interface needs one, and a Swift wrapper that everything else uses.

/// System library, shim and wrapper of one C library, in `Sources/Libraries/<name>`.
func library(
  _ name: String, pkgConfig: String?, debian: String, shim: [Target.Dependency] = [], wrapper: [Target.Dependency] = []
) -> [Target] {
  let path = "Sources/Libraries/\(name)"
  return [
    .systemLibrary(name: "C\(name)", path: "\(path)/System", pkgConfig: pkgConfig, providers: [.apt([debian])]),
    .target(name: "C\(name)Shim", dependencies: [.target(name: "C\(name)")] + shim, path: "\(path)/Shim"),
    .target(
      name: name, dependencies: ["Basics", .target(name: "C\(name)Shim")] + wrapper, path: "\(path)/Wrapper",
      swiftSettings: settings),
  ]
}

let settings: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .treatAllWarnings(as: .error)]

func module(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

/// The kernels' sources, which all variants share through links, built for one kind of processor. Square roots do not set
/// errno, so that they can be computed in vectors.
///
/// SwiftPM has no setting for what a processor can but flags that it calls unsafe, and takes no package with such flags as a
/// dependency by version. Swift has no attribute for a function's processor either, and the kernels in C alone would be a
/// second source of the same. Hosts link the shared library instead, which `make lib` builds.
///
/// - Parameters:
///   - instructions: those beyond any x86-64's, as the compiler's flags name them.
///   - defines: what the sources ask for by `#if`.
func kernelVariant(_ name: String, _ instructions: [String] = [], _ defines: [String] = []) -> Target {
  .target(
    name: "Kernels\(name)", dependencies: ["KernelTasks", "CProcessor", "CVectors"],
    path: "Sources/KernelVariants/\(name)",
    swiftSettings: settings + defines.map { .define($0) }
      + [.unsafeFlags((["-fno-math-errno"] + instructions.map { "-m\($0)" }).flatMap { ["-Xcc", $0] })])
}

let avx2 = ["avx2", "fma"]
let avx512 = avx2 + ["avx512f", "avx512bw", "avx512dq", "avx512vl"]

/// Tests in `Tests/<name>Tests`; those with fixtures keep them in a folder there and find it by `Bundle.module`.
func tests(_ name: String, _ dependencies: [Target.Dependency], fixtures: Bool = false) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, resources: fixtures ? [.copy("Fixtures")] : [],
    swiftSettings: settings)
}

let package = Package(
  name: "libcflowad",
  products: [
    .library(name: "CFlowAD", type: .dynamic, targets: ["CFlowAD"]),
    .executable(name: "cflowad", targets: ["cflowad"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // The tool's HTTP. FlyingFox and Hummingbird stand on all of Foundation, ten times as much code, and the former on libcurl.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  // Those without pkgConfig are loaded at run time, when they are first needed, and never linked.
  targets: library("OpenBLAS", pkgConfig: nil, debian: "libopenblas-dev")
    + library("PNG", pkgConfig: "libpng", debian: "libpng-dev", shim: ["CReserve"], wrapper: ["Imaging"])
    + library(
      "JPEG", pkgConfig: nil, debian: "libjpeg-dev", shim: ["CPicture"], wrapper: ["Imaging", "PictureDecoding"])
    + library(
      "TIFF", pkgConfig: nil, debian: "libtiff-dev", shim: ["CPicture"], wrapper: ["Imaging", "PictureDecoding"])
    + library(
      "WebP", pkgConfig: nil, debian: "libwebp-dev", shim: ["CPicture"], wrapper: ["Imaging", "PictureDecoding"])
    + library("HDF5", pkgConfig: "hdf5-serial", debian: "libhdf5-dev", shim: ["CReserve"])
    + [
      .target(name: "CReserve", path: "Sources/Libraries/Reserve"),
      module("Basics", ["CReserve"]),
      .target(name: "CKernelTasks", path: "Sources/KernelVariants/Tasks"),
      module("KernelTasks", ["CKernelTasks"]),
      kernelVariant("Baseline"),
      kernelVariant("ExactBaseline", [], ["EXACT_MULTIPLY_ADD"]),
      kernelVariant("AVX2", avx2, ["MULTIPLY_ADD"]),
      kernelVariant("AVX512", avx512, ["MULTIPLY_ADD", "WIDE_VECTORS"]),
      kernelVariant("QuantizedAVXVNNI", avx2 + ["avxvnni"], ["MULTIPLY_ADD", "DOT_PRODUCTS"]),
      kernelVariant("QuantizedAVX512VNNI", avx512 + ["avx512vnni"], ["MULTIPLY_ADD", "WIDE_VECTORS", "DOT_PRODUCTS"]),
      kernelVariant(
        "QuantizedAMX", avx512 + ["avx512vnni", "amx-tile", "amx-int8"],
        ["MULTIPLY_ADD", "WIDE_VECTORS", "DOT_PRODUCTS", "TILE_PRODUCTS"]),
      .target(name: "CVectors", path: "Sources/KernelVariants/Vectors"),
      .target(name: "CProcessor", path: "Sources/KernelVariants/Processor"),
      .target(name: "CProcess", path: "Sources/Process"),
      module(
        "Kernels",
        [
          "Basics", "KernelTasks", "KernelsBaseline", "KernelsExactBaseline", "KernelsAVX2", "KernelsAVX512",
          "KernelsQuantizedAVXVNNI", "KernelsQuantizedAVX512VNNI", "KernelsQuantizedAMX", "CProcessor",
        ]),
      module("Execution", ["Basics", "Kernels", "CProcess", "CProcessor"]),
      module("Layers", ["Basics", "Execution", "Kernels", "CProcessor", "CVectors"]),
      module("Imaging", ["Basics", "Execution"]),
      module("Rendering", ["Basics", "Imaging"]),
      module("Encoders", ["Basics", "Execution", "Kernels", "Layers"]),
      module("Flows", ["Basics", "Execution", "Kernels", "Layers"]),
      module(
        "Scoring", ["Basics", "Execution", "Kernels", "Layers", "Imaging", "Encoders", "Flows", "Segmentation"]),
      module(
        "Training",
        [
          "Basics", "Execution", "Kernels", "Layers", "Imaging", "Encoders", "Evaluation", "Flows", "OpenBLAS",
          "Scoring",
        ]),
      module("Segmentation", ["Basics"]),
      module("Evaluation", ["Basics", "Segmentation"]),
      module("ModelFile", ["Basics", "HDF5", "Imaging", "Encoders", "Flows", "Scoring"]),
      module("TrainingFile", ["Basics", "HDF5", "Training"]),
      .target(name: "CPicture", path: "Sources/Libraries/Picture/Shim"),
      .target(
        name: "PictureDecoding", dependencies: ["Basics", "CPicture", "Imaging"],
        path: "Sources/Libraries/Picture/Wrapper", swiftSettings: settings),
      module("ImageFiles", ["Basics", "Imaging", "PNG", "JPEG", "TIFF", "WebP"]),
      module("DataSets", ["Basics", "ImageFiles"]),
      .target(name: "CLastError", path: "Sources/Libraries/LastError"),
      .target(name: "CSemaphore", path: "Sources/Semaphore"),
      .systemLibrary(name: "CFlowADHeader", path: "include"),
      module(
        "CFlowAD",
        [
          "CFlowADHeader", "CLastError", "CProcess", "CSemaphore", "Basics", "Execution", "Kernels", "Imaging",
          "ImageFiles",
          "PNG", "Rendering", "Flows", "Scoring", "Segmentation", "Training", "TrainingFile",
          "Evaluation", "ModelFile",
        ], exclude: ["exports.map"]),
      module(
        "LocalHTTP",
        [
          "Basics", .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
          .product(name: "NIOPosix", package: "swift-nio"),
        ]),
      .executableTarget(
        name: "cflowad",
        dependencies: [
          "CFlowADHeader", "Basics", "Execution", "Kernels", "Imaging", "PNG", "ImageFiles", "DataSets", "Rendering",
          "Encoders", "Flows", "Scoring", "Segmentation", "Training", "TrainingFile", "Evaluation", "ModelFile",
          "LocalHTTP", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ], path: "Sources/Tool",
        resources: ["page.css", "page.js", "live.js"].map { .embedInCode("Page/\($0)") }, swiftSettings: settings),
      .executableTarget(
        name: "training-steps", dependencies: ["Basics", "Execution", "Flows", "Kernels", "Training"],
        path: "benchmarks/TrainingSteps", swiftSettings: settings),
      .executableTarget(
        name: "microkernels", dependencies: ["Basics", "Kernels", "Microkernels"], path: "benchmarks/Microkernels",
        swiftSettings: settings),
      .executableTarget(
        name: "quantization",
        dependencies: ["Basics", "Encoders", "Execution", "ImageFiles", "Imaging", "ModelFile", "Scoring"],
        path: "benchmarks/Quantization", swiftSettings: settings),
      .target(
        name: "Microkernels", dependencies: ["Basics", "Kernels", "Layers"], path: "Tests/Microkernels",
        swiftSettings: settings),
      .target(
        name: "Support", dependencies: ["Basics", "Kernels", "Layers", "Imaging", "Encoders", "Flows", "Scoring"],
        path: "Tests/Support", swiftSettings: settings),
      .target(name: "CEmulation", path: "Tests/Emulation"),
      tests("Kernels", ["Basics", "CEmulation", "KernelTasks", "Kernels", "Layers", "Microkernels", "Support"]),
      tests("Execution", ["Basics", "Execution"]),
      tests("Layers", ["Basics", "Execution", "Kernels", "Layers", "Support"]),
      tests("Encoders", ["Basics", "Execution", "Kernels", "Layers", "Encoders", "Support"]),
      tests("Flows", ["Basics", "Execution", "Kernels", "Flows", "Support"]),
      tests("Basics", ["Basics", "Support"]),
      tests("Imaging", ["Basics", "Execution", "Imaging"], fixtures: true),
      tests("PNG", ["Basics", "Imaging", "PNG"], fixtures: true),
      tests("ImageFiles", ["Basics", "Imaging", "ImageFiles", "PNG"], fixtures: true),
      tests("DataSets", ["Basics", "DataSets", "PNG"], fixtures: true),
      tests("Rendering", ["Basics", "Imaging", "Rendering"], fixtures: true),
      tests(
        "Training",
        [
          "Basics", "Encoders", "Execution", "Flows", "Imaging", "Kernels", "OpenBLAS", "Scoring", "Support",
          "Training",
        ], fixtures: true),
      tests(
        "ModelFile", ["Basics", "CHDF5", "HDF5", "Encoders", "Flows", "Imaging", "ModelFile", "Scoring"], fixtures: true
      ),
      tests("Segmentation", ["Basics", "Segmentation"]),
      tests("Evaluation", ["Basics", "Evaluation", "Support"], fixtures: true),
      tests(
        "Tool",
        [
          "cflowad", "Basics", "Flows", "Imaging", "ModelFile", "PNG", "Scoring", "Support", "Training",
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
      tests(
        "Scoring",
        [
          "Basics", "Execution", "Imaging", "Encoders", "Flows", "Kernels", "Layers", "Scoring", "Segmentation",
          "Support",
        ]),
    ]
)

// What libFuzzer calls (make fuzz): the library and readers that only the tool has, in one.
if Context.environment["CFLOWAD_FUZZING"] != nil {
  package.targets.append(
    .target(name: "Readers", dependencies: ["Basics", "DataSets", "TrainingFile"], path: "Tests/Fuzz/Readers"))
  package.products.append(.library(name: "Fuzzing", type: .dynamic, targets: ["CFlowAD", "Readers"]))
}
