// The C interface of libcflowad for C#, by P/Invoke: what an inspection needs to open a detector and score frames. Structs are
// laid out as cflowad.h has them; Layout.Check compares them with it, and what the library writes with where it is expected.
using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Cflowad
{
    public enum PixelFormat : int
    {
        Gray8 = 1, Rgb8 = 2, Bgr8 = 3, Rgba8 = 4, Bgra8 = 5, Mono16 = 10, Mono10p = 11, Mono12p = 12,
        Mono10Packed = 13, Mono12Packed = 14, Rgb16 = 20, Bgr16 = 21,
        BayerRg8 = 30, BayerGr8 = 31, BayerGb8 = 32, BayerBg8 = 33
    }

    public enum Verdict : int { Pass = 0, Review = 1, Reject = 2 }

    public sealed class CflowadException : Exception
    {
        public readonly int Status;
        public CflowadException(int status, string message) : base(message) { Status = status; }
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct NativeFrame
    {
        public UIntPtr StructSize;
        public IntPtr Data;
        public uint Width, Height;
        public UIntPtr Stride;
        public PixelFormat Format;
        public uint Flags;
        public IntPtr Plane1, Plane2;
        public UIntPtr PlaneStride1, PlaneStride2;
        public uint SignificantBits, Shift, CropX, CropY, CropWidth, CropHeight;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct SessionOptions
    {
        public UIntPtr StructSize;
        public float Threshold;
        public uint ThreadCount;
        public float ReviewThreshold, RegionThreshold;
        public uint RegionMinArea;
        public float RegionMinScore;
        public IntPtr ParallelFor, ParallelForContext;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Shape
    {
        public uint MapWidth, MapHeight, TileCount, LevelCount;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 4)] public uint[] LevelWidth;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 4)] public uint[] LevelHeight;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 4)] public uint[] LevelChannels;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Result
    {
        public UIntPtr StructSize;
        public float Score, Threshold;
        public Verdict Verdict;
        public uint Reserved;
        public IntPtr Map;
        public UIntPtr MapCapacity;
        public IntPtr FrameMap;
        public UIntPtr FrameMapCapacity;
        public IntPtr LogLikelihoods;
        public UIntPtr LogLikelihoodsCapacity;
        public IntPtr Features;
        public UIntPtr FeaturesCapacity;
        public float PValue, ReviewThreshold;
        public IntPtr Regions;
        public UIntPtr RegionSize, RegionCapacity, RegionCount;
        public IntPtr ContourPoints;
        public UIntPtr ContourCapacity, ContourCount;
        public Shape Shape;
        public float LowThreshold, LowPValue, MapMean, MeanThreshold;
    }

    internal static class Native
    {
        private const string Library = "libcflowad.so.1";

        [DllImport(Library)] internal static extern int cflowad_version();
        [DllImport(Library)] internal static extern IntPtr cflowad_last_error();
        [DllImport(Library)] internal static extern int cflowad_model_open(byte[] path, out IntPtr model);
        [DllImport(Library)] internal static extern int cflowad_model_close(IntPtr model);
        [DllImport(Library)] internal static extern int cflowad_session_options_init(
            out SessionOptions options, UIntPtr structSize);
        [DllImport(Library)] internal static extern int cflowad_session_create(
            IntPtr model, ref SessionOptions options, out IntPtr session);
        [DllImport(Library)] internal static extern int cflowad_session_score(
            IntPtr session, ref NativeFrame frame, ref Result result);
        [DllImport(Library)] internal static extern int cflowad_session_close(IntPtr session);
        [DllImport(Library)] internal static extern int cflowad_image_read_info(
            byte[] path, out uint width, out uint height, out PixelFormat format);
        [DllImport(Library)] internal static extern int cflowad_image_read(byte[] path, byte[] pixels, UIntPtr capacity);

        internal static void Check(int status)
        {
            if (status != 0) throw new CflowadException(status, Text(cflowad_last_error()));
        }

        internal static byte[] Path(string path) { return Encoding.UTF8.GetBytes(path + "\0"); }

        private static string Text(IntPtr utf8)
        {
            int length = 0;
            while (Marshal.ReadByte(utf8, length) != 0) length++;
            var bytes = new byte[length];
            Marshal.Copy(utf8, bytes, 0, length);
            return Encoding.UTF8.GetString(bytes);
        }
    }

    public static class Layout
    {
        // At a program's start: a struct that is laid out otherwise would be read and written at wrong places.
        public static void Check()
        {
            if (Native.cflowad_version() / 10000 != 1 || Native.cflowad_version() < 10200)
                throw new CflowadException(7, "libcflowad has version " + Native.cflowad_version() + ", not a 1.x from 1.2 on");
            Size(typeof(NativeFrame), 96, "CropHeight", 92);
            Size(typeof(SessionOptions), 48, "ParallelForContext", 40);
            Size(typeof(Result), 232, "MeanThreshold", 228);
            SessionOptions options;
            Native.Check(Native.cflowad_session_options_init(
                out options, (UIntPtr)(uint)Marshal.SizeOf(typeof(SessionOptions))));
            if (!float.IsNaN(options.Threshold) || options.ThreadCount != 0 || !float.IsNaN(options.ReviewThreshold)
                || options.RegionMinArea != 1 || !float.IsNaN(options.RegionMinScore) || options.ParallelFor != IntPtr.Zero)
                throw new CflowadException(3, "the library's defaults are not where SessionOptions has its fields");
        }

        private static void Size(Type type, int size, string last, int offset)
        {
            if (Marshal.SizeOf(type) != size || Marshal.OffsetOf(type, last).ToInt64() != offset)
                throw new CflowadException(3, type.Name + " is not laid out as in cflowad.h");
        }
    }

    public sealed class Model : SafeHandle
    {
        public Model(string path) : base(IntPtr.Zero, true)
        {
            Native.Check(Native.cflowad_model_open(Native.Path(path), out handle));
        }

        public override bool IsInvalid { get { return handle == IntPtr.Zero; } }
        protected override bool ReleaseHandle() { return Native.cflowad_model_close(handle) == 0; }
    }

    // Scores frames, one call at a time. Threads: a session each.
    public sealed class Session : SafeHandle
    {
        public Session(Model model, uint threads = 0) : base(IntPtr.Zero, true)
        {
            SessionOptions options;
            Native.Check(Native.cflowad_session_options_init(
                out options, (UIntPtr)(uint)Marshal.SizeOf(typeof(SessionOptions))));
            options.ThreadCount = threads;
            Native.Check(Native.cflowad_session_create(model.DangerousGetHandle(), ref options, out handle));
            GC.KeepAlive(model);
        }

        public override bool IsInvalid { get { return handle == IntPtr.Zero; } }
        protected override bool ReleaseHandle() { return Native.cflowad_session_close(handle) == 0; }

        // With frameMap, of width x height values, the heat map at the frame's size.
        public Result Score(byte[] pixels, int width, int height, int stride, PixelFormat format, float[] frameMap = null)
        {
            // What C cannot check: that there are so many bytes.
            if (width <= 0 || height <= 0 || stride <= 0 || pixels.LongLength < (long)stride * height)
                throw new ArgumentException("pixels are fewer than height rows");
            GCHandle pinned = GCHandle.Alloc(pixels, GCHandleType.Pinned);
            GCHandle map = GCHandle.Alloc(frameMap, GCHandleType.Pinned);
            try
            {
                var frame = new NativeFrame {
                    StructSize = (UIntPtr)(uint)Marshal.SizeOf(typeof(NativeFrame)), Data = pinned.AddrOfPinnedObject(),
                    Width = (uint)width, Height = (uint)height, Stride = (UIntPtr)(uint)stride, Format = format };
                var result = new Result { StructSize = (UIntPtr)(uint)Marshal.SizeOf(typeof(Result)) };
                if (frameMap != null)
                {
                    result.FrameMap = map.AddrOfPinnedObject();
                    result.FrameMapCapacity = (UIntPtr)(ulong)frameMap.LongLength;
                }
                Native.Check(Native.cflowad_session_score(handle, ref frame, ref result));
                GC.KeepAlive(this);
                return result;
            }
            finally
            {
                map.Free();
                pinned.Free();
            }
        }
    }

    public sealed class Image
    {
        public readonly int Width, Height, Stride;
        public readonly PixelFormat Format;
        public readonly byte[] Pixels;

        // A file of any kind that the library reads: grey or colour, 8 or 16 bits.
        public Image(string path)
        {
            uint width, height;
            Native.Check(Native.cflowad_image_read_info(Native.Path(path), out width, out height, out Format));
            int bytes = Format == PixelFormat.Gray8 ? 1
                : Format == PixelFormat.Mono16 ? 2
                : Format == PixelFormat.Rgb8 ? 3 : 6;
            Width = (int)width;
            Height = (int)height;
            Stride = Width * bytes;
            Pixels = new byte[(long)Stride * Height];
            Native.Check(Native.cflowad_image_read(Native.Path(path), Pixels, (UIntPtr)(ulong)Pixels.LongLength));
        }
    }
}
