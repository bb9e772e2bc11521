// The word count of the Streams tutorial, told by its standard input what to do: "start", "stop" and
// "forget" (which deletes the local state). Each is answered by its name when it is done; what else
// happens is printed, too.
//
//   WordCount INPUT OUTPUT KEY=VALUE...
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.StateRestoreListener;

public class WordCount {
  private static synchronized void tell(String what) {
    System.out.println(what);
    System.out.flush();
  }

  private static KafkaStreams make(String input, String output, Properties settings) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.<String, String>stream(input)
        .flatMapValues(line -> Arrays.asList(line.toLowerCase(Locale.ROOT).split("\\W+")))
        .groupBy((key, word) -> word)
        .count(Materialized.as("counts"))
        .toStream()
        .to(output, Produced.with(Serdes.String(), Serdes.Long()));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    streams.setUncaughtExceptionHandler(error -> {
      tell("error " + error);
      return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.setGlobalStateRestoreListener(new StateRestoreListener() {
      @Override
      public void onRestoreStart(TopicPartition of, String store, long from, long to) {}

      @Override
      public void onBatchRestored(TopicPartition of, String store, long end, long count) {}

      @Override
      public void onRestoreEnd(TopicPartition of, String store, long count) {
        tell("restored " + of.partition() + " " + count);
      }
    });
    return streams;
  }

  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    settings.put("default.key.serde", Serdes.String().getClass());
    settings.put("default.value.serde", Serdes.String().getClass());
    for (int i = 2; i < args.length; ++i) {
      int equals = args[i].indexOf('=');
      settings.put(args[i].substring(0, equals), args[i].substring(equals + 1));
    }
    KafkaStreams streams = null;
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    for (String command = commands.readLine(); command != null; command = commands.readLine()) {
      switch (command) {
        case "start":
          streams = make(args[0], args[1], settings);
          CountDownLatch running = new CountDownLatch(1);
          streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) {
              running.countDown();
            }
          });
          streams.start();
          running.await();
          break;
        case "stop":
          streams.close(Duration.ofSeconds(30));
          break;
        case "forget":
          streams.cleanUp();
          break;
        default:
          throw new IllegalArgumentException(command);
      }
      tell(command);
    }
    if (streams != null) {
      streams.close(Duration.ofSeconds(30));
    }
  }
}
