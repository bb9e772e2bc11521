// Runs Kafka's command line tools one after the other in one JVM, since its start costs more than they do.
// A request is a line of words, each but the first in base64: class, standard input, argument...
// The answer is a line "REPLY code out err", the last two in base64; whatever else is printed is log.
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import org.apache.kafka.common.utils.Exit;
import org.slf4j.LoggerFactory;

public class RunTools {
  private static Integer exitCode;

  // What the tools of now and here print. Scala keeps the stream that it met first, so that is the
  // same one for all of them.
  private static final class Caught extends OutputStream {
    private ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public synchronized void write(int one) {
      bytes.write(one);
    }

    @Override
    public synchronized void write(byte[] many, int from, int length) {
      bytes.write(many, from, length);
    }

    synchronized byte[] take() {
      byte[] all = bytes.toByteArray();
      bytes = new ByteArrayOutputStream();
      return all;
    }
  }

  private static final class Left extends RuntimeException {}

  public static void main(String[] ignored) throws Exception {
    PrintStream out = System.out;
    // The logger keeps the stream that it meets first: its lines are none of the tools' output.
    LoggerFactory.getLogger(RunTools.class).debug("ready");
    Caught toOut = new Caught();
    Caught toErr = new Caught();
    System.setOut(new PrintStream(toOut, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(toErr, true, StandardCharsets.UTF_8));
    InputStream in = System.in;
    Exit.Procedure leave = (code, message) -> {
      // A tool may catch this and leave once more: the first time counts.
      exitCode = exitCode == null ? Integer.valueOf(code) : exitCode;
      throw new Left();
    };
    Exit.setExitProcedure(leave);
    Exit.setHaltProcedure(leave);
    Exit.setShutdownHookAdder((name, hook) -> {});
    BufferedReader requests = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      String[] words = line.split(" ", -1);
      Base64.Decoder decoder = Base64.getDecoder();
      String[] arguments = Arrays.stream(words).skip(2)
          .map(word -> new String(decoder.decode(word), StandardCharsets.UTF_8)).toArray(String[]::new);
      System.setIn(new ByteArrayInputStream(decoder.decode(words[1])));
      exitCode = null;
      int code = run(words[0], arguments);
      System.setIn(in);
      Base64.Encoder encoder = Base64.getEncoder();
      out.println("REPLY " + code + " " + encoder.encodeToString(toOut.take()) + " "
          + encoder.encodeToString(toErr.take()));
      out.flush();
    }
  }

  private static int run(String name, String[] arguments) throws Exception {
    try {
      Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
      return exitCode == null ? 0 : exitCode;
    } catch (InvocationTargetException e) {
      if (exitCode != null) {
        return exitCode;
      }
      // What the JVM prints and answers when main() throws.
      System.err.println("Exception in thread \"main\" " + e.getCause());
      return 1;
    }
  }
}
