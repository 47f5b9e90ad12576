// Scores image files: mono score_frames.exe DETECTOR.h5 FRAME...
using System;
using System.Globalization;
using System.Linq;
using Cflowad;

public static class ScoreFrames
{
    public static int Main(string[] arguments)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        if (arguments.Length < 2)
        {
            Console.Error.WriteLine("usage: score_frames.exe DETECTOR.h5 FRAME...");
            return 2;
        }
        try
        {
            Layout.Check();
            using (var model = new Model(arguments[0]))
            using (var session = new Session(model))
            {
                foreach (string path in arguments.Skip(1))
                {
                    var image = new Image(path);
                    var heat = new float[image.Width * image.Height];
                    Result result = session.Score(
                        image.Pixels, image.Width, image.Height, image.Stride, image.Format, heat);
                    int hottest = Array.IndexOf(heat, heat.Max());
                    Console.WriteLine(
                        "{0}: {1}, score {2:F4}, p-value {3:F4}, hottest at ({4}, {5})", path, result.Verdict,
                        result.Score, result.PValue, hottest % image.Width, hottest / image.Width);
                }
            }
            return 0;
        }
        catch (CflowadException error)
        {
            Console.Error.WriteLine("score_frames: " + error.Message);
            return 1;
        }
    }
}
