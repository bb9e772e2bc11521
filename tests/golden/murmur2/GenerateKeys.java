// Prints 10,000 keys with the positive murmur2 hash by which Kafka's own producer picks a partition:
//   java -cp "$(tests/oracle/classpath.sh)" tests/golden/murmur2/GenerateKeys.java > keys.txt
// Keys are of 0 to 40 printable characters, with some UTF-8 in them; a line is hash, tab, key.
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.apache.kafka.common.utils.Utils;

public class GenerateKeys {
  public static void main(String[] arguments) {
    String letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .-_:/äß消息";
    Random random = new Random(391);
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (int i = 0; i < 10000; ++i) {
      StringBuilder key = new StringBuilder();
      for (int length = random.nextInt(41) * random.nextInt(41) / 40; length > 0; --length) {
        key.append(letters.charAt(random.nextInt(letters.length())));
      }
      byte[] bytes = key.toString().getBytes(StandardCharsets.UTF_8);
      out.print(Utils.toPositive(Utils.murmur2(bytes)) + "\t" + key + "\n");
    }
    out.flush();
  }
}
